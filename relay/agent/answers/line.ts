/** One resource or document as one line: date, title, value and flag, status, source, ref. */
import { type Fact, factOf, type Quantity, type Resolve } from '../clinical/fact.js';
import type { DocumentEntry } from '../files/records.js';
import { shown } from './dates.js';

/** A resource that cannot be told in a clinician's words is still there: it has its type for a title. */
export function factFor(resource: Record<string, unknown>, resolve: Resolve): Fact {
	try {
		return factOf(resource, resolve);
	} catch {
		const title = typeof resource.resourceType === 'string' ? resource.resourceType : 'Unknown';
		return { ...NOTHING, title };
	}
}

const NOTHING: Omit<Fact, 'title'> = {
	section: 'other',
	date: null,
	end: null,
	codes: [],
	status: null,
	value: null,
	range: null,
	flag: null,
	details: [],
	parts: [],
	retracted: false,
};

/** Characters of a title, of all details, of a status. */
const SHORT = { title: 200, details: 300, status: 40 };

/** @param tag of the source: `S1` */
export function lineOf(fact: Fact, tag: string, ref: string): string {
	const { date, title, status, retracted } = fact;
	const state = [status && short(status, SHORT.status), retracted && 'retracted'].filter(Boolean).join(', ');
	const told = [measured(fact), ...fact.parts.slice(0, 20).map(partOf), ...fact.details].filter(Boolean).join('; ');
	return [shown(date), short(title, SHORT.title), short(told, SHORT.details), state, tag, ref]
		.filter(Boolean)
		.join(' | ');
}

export function documentLine(entry: DocumentEntry, tag: string, ref: string): string {
	const { title, type, date, contentType } = entry;
	const what = title ?? type ?? 'Document';
	return [shown(date ?? null), short(what, SHORT.title), short(contentType ?? 'document', SHORT.status), tag, ref].join(
		' | ',
	);
}

function partOf(part: Fact): string {
	return [part.title, measured(part)].filter(Boolean).join(' ');
}

/** `7.2 % (high, range 4.0–5.6 %)` */
export function measured({ value, range, flag }: Pick<Fact, 'value' | 'range' | 'flag'>): string {
	if (!value) return flag ? wordsOfFlag(flag) : '';
	const about = [flag && wordsOfFlag(flag), range && `range ${range}`].filter(Boolean).join(', ');
	return quantity(value) + (about && ` (${about})`);
}

export function quantity({ text, unit }: Quantity): string {
	return unit ? `${text} ${unit}` : text;
}

function wordsOfFlag(flag: string): string {
	return flag.replace('_', ' ');
}

/** On one line, and cut between two characters. */
export function short(text: string, most: number): string {
	const line = text
		.slice(0, most * 4)
		.replace(/\s+/g, ' ')
		.trim();
	if (line.length <= most) return line;
	return `${[...line].slice(0, most - 1).join('')}…`;
}
