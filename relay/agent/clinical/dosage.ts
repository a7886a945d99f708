/** How a medicine is to be taken: the text that is there, else what the parts say. */

import { dateOf } from '../dates.js';
import { all, at, clean, type Json, labelled, list, record, texts } from '../json.js';
import { titleOf, titlesOf } from './concept.js';
import { boundsOf, quantityOf, ratioOf, spell, spelled } from './quantity.js';

/** Dosages of one order: the steps of a taper are several. */
const DOSAGES = 12;

export function dosagesOf(...values: unknown[]): string[] {
	const all = values.flatMap(list);
	const told = texts(...all.slice(0, DOSAGES).map((one) => dosageOf(record(one))));
	return all.length > DOSAGES ? [...told, `and ${all.length - DOSAGES} more dosages: read the record`] : told;
}

function dosageOf(dosage: Json): string | null {
	const written = clean(dosage.text, 300);
	if (written !== null) return written;
	const parts = texts(
		doseOf(dosage),
		titleOf(dosage.route),
		timingOf(dosage.timing),
		dosage.asNeededBoolean === true || dosage.asNeeded === true ? 'as needed' : asNeededFor(dosage),
		titlesOf(dosage.site),
		titlesOf(dosage.additionalInstruction ?? dosage.additionalInstructions),
		mostOf(dosage),
		clean(dosage.patientInstruction, 300),
	);
	return clean(parts.join(', '), 400);
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

/** `at most 4 g / 24 h` */
function mostOf(dosage: Json): string | null {
	const most = texts(
		...list(dosage.maxDosePerPeriod).map(ratioOf),
		...[dosage.maxDosePerAdministration].map((one) => labelled('a dose', spelled(one))),
		...[dosage.maxDosePerLifetime].map((one) => labelled('in a lifetime', spelled(one))),
	);
	return most.length > 0 ? `at most ${most.join(', ')}` : null;
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

const DAYS: Record<string, string> = {
	mon: 'Monday',
	tue: 'Tuesday',
	wed: 'Wednesday',
	thu: 'Thursday',
	fri: 'Friday',
	sat: 'Saturday',
	sun: 'Sunday',
};

/** `2 × a day, on Monday, at 08:00, for 10 d`: all that is said, since a dose of one day a week is deadly every day. */
function timingOf(value: unknown): string | null {
	const timing = record(value);
	const repeat = record(timing.repeat);
	const words = (of: unknown, most = 14) =>
		list(of)
			.slice(0, most)
			.flatMap((one) => clean(one, 20) ?? []);
	const days = words(repeat.dayOfWeek).map((day) => DAYS[day.toLowerCase()] ?? day);
	const times = words(repeat.timeOfDay).map((time) => time.replace(/^(\d\d:\d\d):00$/, '$1'));
	const events = list(timing.event)
		.slice(0, 6)
		.flatMap((one) => dateOf(one) ?? []);
	const lasts = spelled(repeat.boundsDuration) ?? boundsOf(repeat.boundsRange);
	const { start, end } = record(repeat.boundsPeriod);
	return (
		texts(
			titleOf(timing.code) ?? frequencyOf(repeat),
			words(repeat.when).join(', '),
			days.length > 0 && `on ${days.join(', ')}`,
			times.length > 0 && `at ${times.join(', ')}`,
			events.length > 0 && `on ${events.join(', ')}`,
			lasts && `for ${lasts}`,
			labelled('from', dateOf(start)),
			labelled('until', dateOf(end)),
			labelled('times in all', bare(repeat.count)),
		).join(', ') || null
	);
}

/** `2 times in 1 day` is `2 × a day`. */
function frequencyOf(repeat: Json): string | null {
	const period = bare(repeat.period);
	const unit = UNITS[String(clean(repeat.periodUnit ?? repeat.periodUnits, 5))];
	const [frequency, more, longest] = [repeat.frequency, repeat.frequencyMax, repeat.periodMax].map(bare);
	if (period === null || unit === undefined) return frequency ? `${frequency} ×` : null;
	const often = more ? `${frequency ?? '1'} to ${more}` : (frequency ?? '1');
	if (longest) return `${often} × in ${period} to ${longest} ${unit}s`;
	return `${often} × ${period === '1' ? `a ${unit}` : `in ${period} ${unit}s`}`;
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
