/** How a medicine is to be taken: the text that is there, else what the parts say. */
import { titleOf, titlesOf } from './concept.js';
import { boundsOf, quantityOf, ratioOf, spell, spelled } from './quantity.js';
import { all, at, clean, type Json, list, record, texts } from './shape.js';

/** Dosages of one order. */
const DOSAGES = 4;

export function dosagesOf(...values: unknown[]): string[] {
	return texts(
		...values
			.flatMap(list)
			.slice(0, DOSAGES)
			.map((one) => dosageOf(record(one))),
	);
}

function dosageOf(dosage: Json): string | null {
	const written = clean(dosage.text, 300) ?? clean(dosage.patientInstruction, 300);
	if (written !== null) return written;
	const amount = doseOf(dosage);
	const parts = texts(
		amount,
		titleOf(dosage.route),
		timingOf(dosage.timing),
		dosage.asNeededBoolean === true || dosage.asNeeded === true ? 'as needed' : asNeededFor(dosage),
		titlesOf(dosage.site),
		titlesOf(dosage.additionalInstruction ?? dosage.additionalInstructions),
	);
	return clean(parts.join(', '), 300);
}

function asNeededFor(dosage: Json): string | null {
	const reason = titlesOf(dosage.asNeededCodeableConcept ?? dosage.asNeededFor);
	return reason && `as needed for ${reason}`;
}

/** Of a number alone nobody sees what it counts. */
function doseOfUnit(value: unknown): string | null {
	const dose = quantityOf(value);
	return dose && (dose.unit === null ? `dose ${dose.text}` : spell(dose));
}

/** R4 `doseAndRate`, STU3 `dose[x]` and `rate[x]`, DSTU2 `quantity[x]`, and an administration's `dose`. */
function doseOf(dosage: Json): string | null {
	const holders = [...all(dosage, 'doseAndRate').map(record), dosage];
	for (const holder of holders) {
		const dose =
			doseOfUnit(holder.doseQuantity) ??
			boundsOf(holder.doseRange) ??
			spelled(holder.dose) ??
			spelled(holder.quantityQuantity) ??
			boundsOf(holder.quantityRange) ??
			spelled(holder.quantity);
		const rate = ratioOf(holder.rateRatio) ?? spelled(holder.rateQuantity) ?? boundsOf(holder.rateRange);
		const found = texts(dose, rate && `at ${rate}`).join(' ');
		if (found) return found;
	}
	return null;
}

const UNITS: Record<string, string> = {
	s: 'second',
	min: 'minute',
	h: 'hour',
	d: 'day',
	wk: 'week',
	mo: 'month',
	a: 'year',
};

/** `2 times in 1 day` is `2 × a day`. */
function timingOf(value: unknown): string | null {
	const timing = record(value);
	const named = titleOf(timing.code);
	if (named !== null) return named;
	const repeat = record(timing.repeat);
	const [frequency, period] = [bare(repeat.frequency) ?? '1', bare(repeat.period)];
	const unit = UNITS[String(clean(repeat.periodUnit ?? repeat.periodUnits, 5))];
	const when = list(repeat.when)
		.slice(0, 6)
		.flatMap((one) => clean(one, 20) ?? []);
	if (period === null || unit === undefined) return when.join(', ') || null;
	const most = bare(repeat.frequencyMax);
	const often = most === null ? frequency : `${frequency} to ${most}`;
	const every = period === '1' ? `a ${unit}` : `in ${period} ${unit}s`;
	return texts(`${often} × ${every}`, when.join(', ')).join(', ');
}

const bare = (value: unknown): string | null => quantityOf({ value })?.text ?? null;

/** `30 tablet, 30 day, refills: 2` of a dispense or what a prescription allows. */
export function supplyOf(...values: unknown[]): string | null {
	for (const value of values.map(record)) {
		const refills = bare(value.numberOfRepeatsAllowed);
		const supply = value.expectedSupplyDuration ?? value.daysSupply;
		const parts = texts(spelled(at(value, 'quantity')), spelled(supply), refills && `refills: ${refills}`);
		if (parts.length > 0) return `supply: ${parts.join(', ')}`;
	}
	return null;
}
