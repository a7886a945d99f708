/** Whether a result is out of its range. */

import { clean, type Json, list, record } from '../json.js';
import { codesOf, titleOf } from './concept.js';
import type { Fact } from './fact.js';
import { normalRange, quantityOf, sameUnit } from './quantity.js';

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
	neg: null,
	negative: null,
	wnl: null,
	'within normal limits': null,
	'within normal range': null,
	'within reference range': null,
};

/** As people say it, where it is no code. */
export const FLAG_WORDS: Record<NonNullable<Flag>, string> = {
	low: 'low',
	high: 'high',
	critical_low: 'critically low',
	critical_high: 'critically high',
	abnormal: 'abnormal',
};

/** Laboratories mark their codes with signs: `H*`, `LL!`. */
const folded = (word: string) =>
	word
		.toLowerCase()
		.replace(/[^\p{L}\p{N}<>]+/gu, ' ')
		.trim();

/** Undefined where it says nothing about a range. */
function flagOf(word: string): Flag | undefined {
	const plain = word.toLowerCase();
	const known = Object.hasOwn(FLAGS, plain) ? plain : folded(word);
	if (Object.hasOwn(FLAGS, known)) return FLAGS[known];
	const words = new Set(known.split(' '));
	const has = (...some: string[]) => some.some((one) => words.has(one));
	// Of a sentence nobody knows what it denies.
	if (words.size > 4 || has('not', 'no', 'within')) return undefined;
	const [high, low] = [has('high', 'above'), has('low', 'below')];
	if (high === low) return undefined;
	const critical = has('panic', 'critical', 'critically', 'alert');
	return high ? (critical ? 'critical_high' : 'high') : critical ? 'critical_low' : 'low';
}

interface Interpretation {
	flag: Flag;
	/** The lab's own words that are no flag: `Positive`, `Resistant`. */
	said: string | null;
}

/**
 * The lab's own interpretation goes first, even where it says `normal` about a value outside the range. Without one that is about a
 * range the value is compared with it, where both are numbers of one unit and there is one range that holds for anybody.
 */
export function interpret(observation: Json): Interpretation {
	const own = list(observation.interpretation);
	const words = own.flatMap((one) => [...codesOf(one).map(({ code }) => code), titleOf(one) ?? []].flat());
	const flags = words.map(flagOf).filter((flag) => flag !== undefined);
	if (flags.length > 0) {
		const flag = flags.find((one) => one?.startsWith('critical')) ?? flags.find((one) => one !== null) ?? null;
		return { flag, said: words.some((word) => folded(word) === 'aa') ? 'critical' : null };
	}
	const said = own.map(titleOf).filter((text) => text !== null);
	return { flag: compared(observation), said: said.slice(0, 4).join(', ') || null };
}

/** With `>10` the value is above 10, and so above a bound of 10. */
function compared({ valueQuantity, valueInteger, referenceRange }: Json): Flag {
	const range = normalRange(referenceRange);
	const value = record(valueQuantity ?? { value: valueInteger });
	const number = quantityOf({ value: value.value })?.number ?? null;
	if (!range || number === null) return null;
	const bound = (side: unknown) => (sameUnit(record(side), value) ? (quantityOf(side)?.number ?? null) : null);
	const [low, high] = [bound(range.low), bound(range.high)];
	if (low !== null && high !== null && low > high) return null;
	switch (clean(value.comparator, 2)) {
		case null:
			if (low !== null && number < low) return 'low';
			return high !== null && number > high ? 'high' : null;
		case '>':
			return high !== null && number >= high ? 'high' : null;
		case '>=':
		case 'ad':
			return high !== null && number > high ? 'high' : null;
		case '<':
			return low !== null && number <= low ? 'low' : null;
		case '<=':
			return low !== null && number < low ? 'low' : null;
		default:
			return null;
	}
}
