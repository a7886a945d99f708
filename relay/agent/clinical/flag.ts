/** Whether a result is out of its range. */
import { codesOf, titleOf } from './concept.js';
import type { Fact } from './fact.js';
import { normalRange, quantityOf, sameUnit } from './quantity.js';
import { type Json, list, record } from './shape.js';

type Flag = Fact['flag'];

/** Codes of v3-ObservationInterpretation (and HL7 table 0078), and the words for them where there is no code. */
const FLAGS: Record<string, Flag> = {
	l: 'low',
	lx: 'low',
	'<': 'low',
	low: 'low',
	'below low normal': 'low',
	h: 'high',
	hx: 'high',
	'>': 'high',
	high: 'high',
	'above high normal': 'high',
	ll: 'critical_low',
	lu: 'critical_low',
	'critical low': 'critical_low',
	'critically low': 'critical_low',
	hh: 'critical_high',
	hu: 'critical_high',
	'critical high': 'critical_high',
	'critically high': 'critical_high',
	a: 'abnormal',
	aa: 'abnormal',
	abnormal: 'abnormal',
	'critical abnormal': 'abnormal',
	'critically abnormal': 'abnormal',
	n: null,
	normal: null,
};

/** The lab's own words that are no flag: `Positive`, `Resistant`. */
export interface Interpretation {
	flag: Flag;
	said: string | null;
}

/**
 * The lab's own interpretation goes first, even where it says `normal` about a value outside the range. Without one the value is
 * compared with the range, where both are numbers of one unit and there is one range that holds for anybody.
 */
export function interpret(observation: Json): Interpretation {
	const own = list(observation.interpretation);
	const said = own.map(titleOf).filter((text) => text !== null);
	const words = own.flatMap((one) => [...codesOf(one).map(({ code }) => code), titleOf(one) ?? []].flat());
	const known = words.map((one) => one.toLowerCase()).filter((one) => Object.hasOwn(FLAGS, one));
	if (known.length > 0) {
		const flag = known.map((one) => FLAGS[one] ?? null).find((one) => one !== null) ?? null;
		return { flag, said: known.includes('aa') ? 'critical' : null };
	}
	if (said.length > 0) return { flag: null, said: said.slice(0, 4).join(', ') };
	return { flag: compared(observation), said: null };
}

function compared({ valueQuantity, referenceRange }: Json): Flag {
	const range = normalRange(referenceRange);
	const value = quantityOf(valueQuantity)?.number ?? null;
	if (!range || value === null) return null;
	const bound = (side: unknown) =>
		sameUnit(record(side), record(valueQuantity)) ? (quantityOf(side)?.number ?? null) : null;
	const [low, high] = [bound(range.low), bound(range.high)];
	if (low !== null && high !== null && low > high) return null;
	if (low !== null && value < low) return 'low';
	return high !== null && value > high ? 'high' : null;
}
