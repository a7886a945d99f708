/** FHIR dates, which may be a year, a month, a day or a time. */

/** Days, both included, as text that compares in the order of time: 2019-02 is 2019-02-01 to 2019-02-31. */
export interface Days {
	first: string;
	last: string;
}

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}(?::\d{2}.{0,20})?)?)?)?$/;

/** By the calendar of where it was written, not of here; null for what is no date. */
export function daysOf(date: string | null): Days | null {
	const [, year, month, day] = DATE.exec(date ?? '') ?? [];
	if (year === undefined) return null;
	if (month !== undefined && (month < '01' || month > '12')) return null;
	if (day !== undefined && (day < '01' || Number(day) > daysIn(Number(year), Number(month)))) return null;
	return { first: `${year}-${month ?? '01'}-${day ?? '01'}`, last: `${year}-${month ?? '12'}-${day ?? '31'}` };
}

function daysIn(year: number, month: number): number {
	const date = new Date(0);
	date.setUTCFullYear(year, month, 0);
	return date.getUTCDate();
}

/** Milliseconds since 1970, for sorting; a time without a zone is taken for UTC. */
export function instantOf(date: string | null): number | null {
	if (date === null || !daysOf(date)) return null;
	const zoned = /T.*(?:Z|[+-]\d{2}:?\d{2})$/.test(date) || !date.includes('T');
	const instant = Date.parse(zoned ? date : `${date}Z`);
	return Number.isNaN(instant) ? Date.parse(date.slice(0, 10)) : instant;
}

/** `2019-03-02 08:30`, as it was written. */
export function shown(date: string | null): string {
	return date !== null && daysOf(date) ? date.slice(0, 16).replace('T', ' ') : 'no date';
}
