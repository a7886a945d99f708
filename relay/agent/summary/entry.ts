/** One thing that records say, and when two records say the same. */
import type { Fact, Section } from '../clinical/fact.js';
import { compare } from '../clinical/smallest.js';
import { dayOf, sortable } from '../dates.js';

/** What records of one or several sources say alike. */
export interface Entry {
	fact: Fact;
	type: string;
	/** Of the first source that has it. */
	ref: string;
	/** Positions in the index, ascending, of the sources that say this, of this day. */
	sources: number[];
	records: number;
	/** Details that others of the same value have. */
	more: string[];
}

const DETAILS = 24;

/** In their order; of texts that of their code units. */
export function union<T extends number | string>(some: T[], more: T[]): T[] {
	if (more.every((one) => some.includes(one))) return some;
	return [...new Set([...some, ...more])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A result: a value, or parts that have some. */
export const isResult = ({ value, parts }: Fact): boolean => value !== null || parts.length > 0;

export const dayOfFact = ({ date }: Fact): string | null => date && dayOf(date);

/** A text that sorts the newest date first and none last. */
export function newestFirst(date: string | null): string {
	if (date === null) return '~~';
	return `${sortable(date).replace(/\d/g, (digit) => String(9 - Number(digit)))}~`;
}

/** As `clinical/medication.ts` says it. */
const PLANNED = /^an? (?:plan|proposal|option), not an order$/;
/** Where a diagnosis was written down, and what kind of allergy somebody took it for: neither makes it another one. */
const ASIDE = /^(?:problem list|diagnosis of a visit|kind: .*)$/;

/** `a plan, not an order`, of a medicine that nobody has ordered by it. */
export const planOf = ({ details }: Fact): string | null => details.find((one) => PLANNED.test(one)) ?? null;

/** What is said of an entry besides its dates, its status and whether it is a plan. */
export function detailsOf({ fact, more }: Pick<Entry, 'fact' | 'more'>): string[] {
	return [...new Set([...fact.details, ...more])].filter((one) => !PLANNED.test(one));
}

/** What two that are no results have to agree in, besides the code. */
export function contentOf(section: Section, fact: Fact): string {
	const details = fact.details.filter((one) => !PLANNED.test(one) && !ASIDE.test(one));
	const end = section === 'problems' || section === 'medications' ? fact.end && dayOf(fact.end) : null;
	// Each dose of a vaccine is told.
	const day = section === 'immunizations' ? dayOfFact(fact) : null;
	return JSON.stringify([fact.status, day, end, details]);
}

/** What turns the meaning of a record: whom it is about, and modifiers. */
export const isCaution = (detail: string): boolean => /^(?:NOT ABOUT THE PATIENT|about: |has a modifier)/.test(detail);

/** What two results of one time have to agree in. */
export function valuesOf(fact: Fact): string {
	return JSON.stringify([fact, ...fact.parts].map(({ value }) => value && [value.text, unitOf(value.unit)]));
}

/** Results of one kind can be compared: numbers of one unit, words, or panels. */
export function kindOf(fact: Fact): string {
	const { value } = fact;
	if (value === null) return fact.parts.length > 0 ? 'parts' : '';
	const isNumber = value.number !== null || value.unit !== null || /^[<>≤≥]/.test(value.text);
	return isNumber ? `number ${unitOf(value.unit)}` : 'words';
}

/** Spellings of one unit: mm[Hg] and mmHg, mmol/l and mmol/L, {INR} and none. */
function unitOf(unit: string | null): string {
	return (unit ?? '')
		.replace(/\{[^}]*\}|[\s[\]]/g, '')
		.replace(/[µμ]/g, 'u')
		.replace(/(?<=^|\/|[munpdkcf])l$/, 'L');
}

/** 0 where it holds, 2 where it is yet to be confirmed. */
export function standing({ status }: Fact): number {
	if (status === 'preliminary' || status === 'registered' || status === 'partial') return 2;
	return status === null || status === 'unknown' ? 1 : 0;
}

type Flag = Fact['flag'];
const GRAVITY = ['critical_low', 'critical_high', 'low', 'high', 'abnormal', null] as const;

export function worse(one: Flag, other: Flag): Flag {
	return GRAVITY.indexOf(one) <= GRAVITY.indexOf(other) ? one : other;
}

/** Of it and its parts. */
export function worstOf({ flag, parts }: Fact): Flag {
	return parts.reduce((worst: Flag, part) => worse(worst, part.flag), flag);
}

/** 0 for what may kill: the reaction is told before others. */
export function urgency({ section, details }: Fact): 0 | 1 {
	const grave = /\((?:severe|fatal)|^criticality: high|anaphyla|life.threatening|angio-?o?edema|stevens|necrolysis/i;
	return section === 'allergies' && details.some((one) => grave.test(one)) ? 0 : 1;
}

/** References begin with the position of their source; two of one reference go by their text, without what a merge changes. */
function placeOf({ ref, fact }: Entry): string {
	const parts = fact.parts.map((part) => ({ ...part, flag: null }));
	return `${ref}\u0000${JSON.stringify({ ...fact, flag: null, parts })}`;
}

function inOrder(one: Entry, other: Entry): [Entry, Entry] {
	return compare(placeOf(one), placeOf(other)) <= 0 ? [one, other] : [other, one];
}

/** Of one content: the newest of them stands for all. */
export function sameContent(one: Entry, other: Entry): Entry {
	const days = [one, other].map(({ fact }) => newestFirst(dayOfFact(fact))) as [string, string];
	const records = one.records + other.records;
	if (days[0] !== days[1]) return { ...(days[0] < days[1] ? one : other), records };
	const [first, second] = inOrder(one, other);
	const more = union(
		second.more,
		second.fact.details.filter((detail) => ASIDE.test(detail)),
	);
	return { ...first, records, sources: union(first.sources, second.sources), more: union(first.more, more) };
}

/** Of one value and time: the one that holds stands for both, with the worse flag and the details of both. */
export function sameResult(one: Entry, other: Entry): Entry {
	const rank = (entry: Entry) =>
		`${standing(entry.fact)}|${entry.fact.range === null ? 1 : 0}|${newestFirst(entry.fact.issued ?? null)}|${placeOf(entry)}`;
	const [first, second] = rank(one) <= rank(other) ? [one, other] : [other, one];
	const parts = first.fact.parts.map((part, i) => ({
		...part,
		flag: worse(part.flag, second.fact.parts[i]?.flag ?? null),
	}));
	const fact = { ...first.fact, parts, flag: worse(first.fact.flag, second.fact.flag) };
	return {
		...first,
		fact,
		records: one.records + other.records,
		sources: union(one.sources, other.sources),
		more: [...new Set([...one.more, ...other.more, ...one.fact.details, ...other.fact.details])]
			.sort(compare)
			.slice(0, DETAILS),
	};
}
