/** Measured values and reference ranges. A number is one, or the string of its text where that says more (1.50: `library/numbers.ts`). */

import { dateOf } from '../dates.js';
import { all, clean, type Json, list, record } from '../json.js';
import { titlesOf } from './concept.js';
import type { Quantity } from './fact.js';

const NUMBER = /^[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?$/;
const COMPARATORS = new Set(['<', '<=', '>', '>=', 'ad']);

function numberOf(value: unknown): { text: string; number: number } | null {
	if (typeof value === 'number' && Number.isFinite(value)) return { text: String(value), number: value };
	const text = clean(value, 70);
	return text !== null && NUMBER.test(text) ? { text, number: Number(text) } : null;
}

/** The unit as a person writes it, else as UCUM does. */
function unitOf({ unit, units, code }: Json): string | null {
	const found = clean(unit, 40) ?? clean(units, 40) ?? clean(code, 40);
	return found === '1' ? null : found;
}

/** Quantity, Age, Duration, Count, Money. A number with a comparator (`<0.1`) is a text: it is not that number. */
export function quantityOf(value: unknown): Quantity | null {
	const quantity = record(value);
	const number = numberOf(quantity.value);
	if (!number) return null;
	const comparator = clean(quantity.comparator, 2);
	const unit = unitOf(quantity) ?? clean(quantity.currency, 10);
	if (comparator !== null && COMPARATORS.has(comparator))
		return { text: comparator === 'ad' ? `≥ ${number.text}` : `${comparator}${number.text}`, number: null, unit };
	return { text: number.text, number: number.number, unit };
}

/** `7.2 %` */
export function spell({ text, unit }: Quantity): string {
	return unit === null ? text : `${text} ${unit}`;
}

export function spelled(value: unknown): string | null {
	const quantity = quantityOf(value);
	return quantity && spell(quantity);
}

/** `4–5.6 %`, `≥ 60 mL/min`, of a Range or a reference range. */
export function boundsOf(value: unknown): string | null {
	const { low, high } = record(value);
	const [from, to] = [quantityOf(low), quantityOf(high)];
	if (from && to)
		return from.unit === to.unit ? spell({ ...to, text: `${from.text}–${to.text}` }) : `${spell(from)} – ${spell(to)}`;
	if (from) return `≥ ${spell(from)}`;
	return to && `≤ ${spell(to)}`;
}

/** `1:64`, `5 mg / 10 mL`. */
export function ratioOf(value: unknown): string | null {
	const { numerator, denominator } = record(value);
	const [over, under] = [quantityOf(numerator), quantityOf(denominator)];
	if (!over || !under) return over && spell(over);
	return over.unit === null && under.unit === null ? `${over.text}:${under.text}` : `${spell(over)} / ${spell(under)}`;
}

const plain = (text: string | null): Quantity | null => (text === null ? null : { text, number: null, unit: null });
const bare = (value: unknown): Quantity | null => {
	const number = numberOf(value);
	return number && { ...number, unit: null };
};

/** By the name after `value`, `onset`, `answer`: every type that an Observation's value has had in any version. */
const KINDS: Record<string, (value: unknown) => Quantity | null> = {
	Quantity: quantityOf,
	Age: quantityOf,
	Money: quantityOf,
	CodeableConcept: (value) => plain(titlesOf(value)),
	Coding: (value) => plain(titlesOf(value)),
	Code: (value) => plain(clean(value)),
	String: (value) => plain(clean(value)),
	Markdown: (value) => plain(clean(value)),
	Uri: (value) => plain(clean(value)),
	Boolean: (value) => (typeof value === 'boolean' ? plain(value ? 'yes' : 'no') : null),
	Integer: bare,
	Decimal: bare,
	Range: (value) => plain(boundsOf(value)),
	Ratio: (value) => plain(ratioOf(value)),
	Period: (value) => plain(periodOf(value)),
	DateTime: (value) => plain(dateOf(value)),
	Date: (value) => plain(dateOf(value)),
	Instant: (value) => plain(dateOf(value)),
	Time: (value) => plain(clean(value, 20)),
	SampledData: (value) => {
		const { dimensions, data } = record(value);
		const points = typeof data === 'string' ? data.split(' ', 100_000).filter(Boolean).length : 0;
		return plain(`a curve of ${points} values${dimensions === undefined ? '' : ', see the record'}`);
	},
	Attachment: (value) => plain(clean(record(value).title) ?? 'an attachment, see the record'),
	Reference: (value) => plain(clean(record(value).display) ?? clean(record(value).reference)),
};

/** `value[x]` and its like. */
export function choiceOf(holder: unknown, name: string): Quantity | null {
	const json = record(holder);
	for (const [kind, read] of Object.entries(KINDS)) {
		if (json[name + kind] === undefined) continue;
		const found = read(json[name + kind]);
		if (found) return found;
	}
	return null;
}

/** `2019-03-02 to 2019-03-05` */
function periodOf(value: unknown): string | null {
	const { start, end } = record(value);
	const [from, to] = [dateOf(start), dateOf(end)];
	if (from && to) return `${from} to ${to}`;
	if (from) return `from ${from}`;
	return to && `until ${to}`;
}

/** What a reference range is for, where it is not simply the normal one: `female`, `therapeutic`. */
function labelOf(range: Json): string | null {
	const kinds = titlesOf(all(range, 'type').length > 0 ? range.type : range.meaning);
	const kind = kinds !== null && /^(?:normal(?: range)?|reference(?: range)?)$/i.test(kinds) ? null : kinds;
	const age = boundsOf(range.age);
	return [kind, titlesOf(range.appliesTo), age && `age ${age}`].filter(Boolean).join(', ') || null;
}

/** Every reference range as a person reads them, those for somebody or something with its name: `female: 12–16 g/dL`. */
export function rangesOf(value: unknown): string | null {
	const spelt = list(value)
		.slice(0, 8)
		.map(record)
		.flatMap((range) => {
			const bounds = boundsOf(range) ?? clean(range.text, 100);
			const label = labelOf(range);
			return bounds === null ? [] : [label === null ? bounds : `${label}: ${bounds}`];
		});
	return [...new Set(spelt)].join('; ') || null;
}

/** The one range that holds for anybody; null where there are several, or one for somebody only: nobody is to guess. */
export function normalRange(value: unknown): Json | null {
	const ranges = list(value)
		.map(record)
		.filter((range) => labelOf(range) === null);
	return ranges.length === 1 && list(value).length === 1 ? (ranges[0] ?? null) : null;
}

/** Whether a bound holds for a value: of the same code of the same system, of the same unit as written, or of no unit at all. */
export function sameUnit(bound: Json, value: Json): boolean {
	if ([bound.unit, bound.units, bound.code].every((one) => clean(one) === null)) return true;
	const coded = [bound, value].map(({ code, system }) => clean(code) !== null && clean(system));
	if (coded[0] && coded[0] === coded[1]) return foldedUnit(bound.code) === foldedUnit(value.code);
	return foldedUnit(unitOf(bound)) === foldedUnit(unitOf(value));
}

/** A litre is l and L, and micro is written with two characters that look alike, u, or mc. */
function foldedUnit(unit: unknown): string {
	return (clean(unit, 40) ?? '')
		.replace(/\s+/g, '')
		.replace(/[\u00b5\u03bc]/g, 'u')
		.replace(/^mcg(?![a-z])/, 'ug')
		.replaceAll('L', 'l');
}
