/** One resource or document as one line: date, title, value and flag, status, source, ref. */
import { shortened } from '../characters.js';
import type { Fact } from '../clinical/fact.js';
import { FLAG_WORDS } from '../clinical/flag.js';
import { spell } from '../clinical/quantity.js';
import { daysOf, minuteOf } from '../dates.js';
import type { DocumentEntry } from '../files/records.js';

/** Characters of a title, of all details, of a status. */
const SHORT = { title: 200, details: 300, status: 40 };

/** What the lines of a search have, in this order. */
export const COLUMNS = 'date | title | value | status | source | ref';

/** @param tag of the source: `S1` */
export function lineOf(fact: Fact, tag: string, ref: string): string {
	const { date, title, status, retracted } = fact;
	const state = [status && short(status, SHORT.status), retracted && 'retracted'].filter(Boolean).join(', ');
	const told = [measured(fact), ...fact.parts.slice(0, 20).map(partOf), ...fact.details].filter(Boolean).join('; ');
	return columns(shown(date), short(title, SHORT.title), short(told, SHORT.details), state, tag, ref);
}

/** @param about a few of its words */
export function documentLine(entry: DocumentEntry, tag: string, ref: string, about = ''): string {
	const { title, type, date, contentType, status } = entry;
	const what = [short(contentType ?? 'document', SHORT.status), about && short(about, SHORT.details)];
	return columns(
		shown(date ?? null),
		short(title ?? type ?? 'Document', SHORT.title),
		what.filter(Boolean).join('; '),
		short(status ?? '', SHORT.status),
		tag,
		ref,
	);
}

function columns(...all: string[]): string {
	return all.map((column) => column || '-').join(' | ');
}

/** `Systolic 121 mmHg` */
export function partOf(part: Fact): string {
	return [part.title, measured(part)].filter(Boolean).join(' ');
}

/** `7.2 % (high, range 4.0–5.6 %)` */
export function measured({ value, range, flag }: Pick<Fact, 'value' | 'range' | 'flag'>): string {
	if (!value) return flag ? FLAG_WORDS[flag] : '';
	const about = [flag && FLAG_WORDS[flag], range && `range ${range}`].filter(Boolean).join(', ');
	return spell(value) + (about && ` (${about})`);
}

/** A text of a record in one column, which it cannot end. */
export function short(text: string, most: number): string {
	return shortened(text, most).replaceAll('|', '¦');
}

/** `2019-03-02 08:30`, as it was written. */
export function shown(date: string | null): string {
	return date !== null && daysOf(date) ? minuteOf(date) : 'no date';
}
