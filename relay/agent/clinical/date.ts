/** FHIR dates: kept as served, compared as points in time. */
import { clean, list } from './shape.js';

const DATE =
	/^\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?|:60)?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** The first that is a FHIR date, dateTime or instant. */
export function dateOf(...values: unknown[]): string | null {
	for (const value of values.flatMap(list)) {
		const text = clean(value, 40);
		if (text !== null && DATE.test(text)) return text;
	}
	return null;
}

/**
 * A text that sorts as time does: UTC where there is a time (one without a zone is taken as UTC), else the date. A year
 * comes before its days.
 */
export function sortable(date: string): string {
	if (!date.includes('T')) return date;
	const at = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(date) ? date : `${date}Z`);
	return Number.isNaN(at.getTime()) ? date : at.toISOString();
}

/** The day as the resource has it, in its own time zone. */
export function dayOf(date: string): string {
	return date.slice(0, 'YYYY-MM-DD'.length);
}
