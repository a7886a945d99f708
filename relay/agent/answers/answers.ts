/**
 * What an assistant is told about records on this machine: small pages of plain text. The command line, the MCP server and the
 * skill say the same through this.
 */

import { openLibrary } from '../library/library.js';
import { Documents } from './documents.js';
import { Kept } from './kept.js';
import { list } from './list.js';
import { Names } from './names.js';
import { Pages, type Whole } from './pages.js';
import { read } from './read.js';
import { search } from './search.js';
import { summary } from './summary.js';
import { trend } from './trend.js';

/** At most `PAGE` characters. Everything that comes from a record stands between marks that say it is data (`marked.ts`). */
export interface Page {
	text: string;
	/** Ask again with it for what comes next; absent at the end. */
	next?: string;
}

export const PAGE = 8000;

export interface SearchQuery {
	/** Words that all must occur in what a person would read of a resource, whatever their case or accents. */
	text?: string;
	/** Resource type, or a section of the summary: `Observation`, `labs`. */
	kind?: string;
	/** A code, alone or with its system: `4548-4`, `http://loinc.org|4548-4`. */
	code?: string;
	/** Name or folder of a source. */
	source?: string;
	/** FHIR dates, both included; a year or month means all of it. */
	from?: string;
	to?: string;
	next?: string;
}

export interface TrendQuery {
	code?: string;
	text?: string;
	source?: string;
	from?: string;
	to?: string;
	next?: string;
}

/** Everything @throws {AgentError} `query_invalid` with `detail`, `ref_unknown`, `records_damaged`. */
export interface Answers {
	/** Sources, what arrived by type, documents, what could not be read and what is from an older reading. */
	list(next?: string): Promise<Page>;
	/** `summary.md`, or one section of it. */
	summary(section?: string, next?: string): Promise<Page>;
	/** A line each, newest first, with the `ref` that `read` takes. */
	search(query: SearchQuery): Promise<Page>;
	/** One resource, or the text of one document: `01-lakeside-health/documents/2019-03-02 Discharge summary.rtf`. */
	read(ref: string, next?: string): Promise<Page>;
	/** The values of one lab or vital sign over time, oldest first, with units, ranges and flags. */
	trend(query: TrendQuery): Promise<Page>;
}

/** @throws {AgentError} `no_records`, `records_damaged` */
export async function openAnswers(dir: string): Promise<Answers> {
	const library = await openLibrary(dir);
	const names = new Names(library);
	const documents = new Documents(library);
	const kept = new Kept();
	const page = async (question: unknown[], next: string | undefined, make: () => Promise<Whole> | Whole) => {
		const pages = new Pages(library.index, question);
		const start = pages.start(next);
		return pages.cut(await kept.get(JSON.stringify(question), make), start);
	};
	return {
		list: (next) => page(['list'], next, () => list(library)),
		summary: (section, next) => page(['summary', section], next, () => summary(library, section)),
		search: ({ next, ...query }) =>
			page(['search', sorted(query)], next, () => search(library, names, documents, query)),
		read: (ref, next) => page(['read', ref], next, () => read(library, names, documents, ref)),
		trend: ({ next, ...query }) => page(['trend', sorted(query)], next, () => trend(library, names, query)),
	};
}

/** One question is one, in whatever order its parts are given. */
function sorted(query: object): [string, unknown][] {
	return Object.entries(query)
		.filter(([, value]) => value !== undefined)
		.sort(([a], [b]) => (a < b ? -1 : 1));
}
