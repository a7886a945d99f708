/** FHIR dates: a year, a month, a day or a time. Kept as served, compared as points in time; the one place that says what is one. */
import { clean, list } from './json.js';

const DATE =
	/^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d(?:\.\d{1,9})?|60))?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/;
const ZONE = /(?:Z|[+-]\d\d:\d\d)$/;

/** Days, both included, as text that compares in the order of time: 2019-02 is 2019-02-01 to 2019-02-28. */
interface Days {
	first: string;
	last: string;
}

/** By the calendar of where it was written, not of here; null for what is no FHIR date, dateTime or instant. */
export function daysOf(date: string | null): Days | null {
	const [, year, month, day] = DATE.exec(date ?? '') ?? [];
	if (year === undefined) return null;
	// Every month has those: most days need no calendar.
	const last = day !== undefined && day <= '28' ? day : String(daysIn(Number(year), Number(month ?? '12')));
	if (day !== undefined && day > last) return null;
	return { first: `${year}-${month ?? '01'}-${day ?? '01'}`, last: `${year}-${month ?? '12'}-${day ?? last}` };
}

function daysIn(year: number, month: number): number {
	const date = new Date(0);
	date.setUTCFullYear(year, month, 0);
	return date.getUTCDate();
}

/** The first that is a date, and of a day that there was. */
export function dateOf(...values: unknown[]): string | null {
	for (const value of values.flatMap(list)) {
		const text = clean(value, 40);
		if (text !== null && DATE.test(text) && (text.slice(8, 10) <= '28' || daysOf(text) !== null)) return text;
	}
	return null;
}

/** Milliseconds since 1970, of a day or longer its beginning; a time without a zone is taken for UTC. Null for what is no date. */
export function instantOf(date: string | null): number | null {
	const days = daysOf(date);
	if (date === null || !days) return null;
	// JavaScript knows no leap second.
	const time = date.replace(/:60(?=Z|[+-]|$)/, ':59');
	const instant = Date.parse(time.includes('T') && !ZONE.test(time) ? `${time}Z` : time);
	return Number.isNaN(instant) ? Date.parse(days.first) : instant;
}

/** A text that sorts as time does: UTC where there is a time, else the date. A year comes before its days. */
export function sortable(date: string): string {
	const instant = date.includes('T') ? instantOf(date) : null;
	return instant === null ? date : new Date(instant).toISOString();
}

/** The day as the resource has it, in its own time zone. */
export function dayOf(date: string): string {
	return date.slice(0, 'YYYY-MM-DD'.length);
}

/** The same with the minute, if it has one: `2019-03-02 08:30`. */
export function minuteOf(date: string): string {
	return date.slice(0, 'YYYY-MM-DDThh:mm'.length).replace('T', ' ');
}
