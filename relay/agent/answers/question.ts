/** What can be asked, and what an answer is. */

/** At most `PAGE` characters. Everything that comes from a record stands between marks that say it is data (`marked.ts`). */
export interface Page {
	text: string;
	/** Ask again with it for what comes next; absent at the end. */
	next?: string;
}

export const PAGE = 8000;

export interface TrendQuery {
	/** A code, alone or with its system: `4548-4`, `http://loinc.org|4548-4`. */
	code?: string;
	/** Words that all must occur in what a person would read of a resource, whatever their case or accents. */
	text?: string;
	/** Name or folder of a source. */
	source?: string;
	/** FHIR dates, both included; a year or month means all of it. */
	from?: string;
	to?: string;
	next?: string;
}

export interface SearchQuery extends TrendQuery {
	/** Resource type, or a section of the summary: `Observation`, `labs`. */
	kind?: string;
}
