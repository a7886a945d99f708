/**
 * What an assistant is told about records on this machine: small pages of plain text. The command line, the MCP server and the
 * skill say the same through this.
 */

import { type Library, openLibrary } from '../library/library.js';
import { Documents, type Texts } from './documents.js';
import { Kept } from './kept.js';
import { list } from './list.js';
import { Names, type Resolving } from './names.js';
import { Pages, type Whole } from './pages.js';
import type { Page, SearchQuery, TrendQuery } from './question.js';
import { read } from './read.js';
import { search } from './search.js';
import { stoppable, unless } from './stoppable.js';
import { summary } from './summary.js';
import { trend } from './trend.js';

export { PAGE, type Page, type SearchQuery, type TrendQuery } from './question.js';

/** Everything @throws {AgentError} `query_invalid` with `detail`, `ref_unknown`, `records_damaged`, `interrupted`. */
export interface Answers {
	/** Sources, what arrived by type, what could not be read and what is from an older reading; then documents, newest first. */
	list(next?: string): Promise<Page>;
	/** `summary.md`, or one section of it. */
	summary(section?: string, next?: string): Promise<Page>;
	/** A line each, newest first, with the `ref` that `read` takes. */
	search(query: SearchQuery): Promise<Page>;
	/**
	 * One resource, or the text of one document: `01-lakeside-health/documents/2019-03-02 Discharge summary.rtf`. A resource may
	 * be named as FHIR does, too: `Observation/abc`, or with its source `S1/Observation/abc`.
	 */
	read(ref: string, next?: string): Promise<Page>;
	/** The values of one lab or vital sign over time, oldest first, with units, ranges and flags. */
	trend(query: TrendQuery): Promise<Page>;
	/** The same, of which each answer stops with `interrupted` when `signal` aborts. */
	until(signal: AbortSignal | undefined): Answers;
}

/**
 * @param signal ends all reading, also what several answers share
 * @throws {AgentError} `no_records`, `records_damaged`
 */
export async function openAnswers(dir: string, signal?: AbortSignal): Promise<Answers> {
	const library = stoppable(await openLibrary(dir), signal);
	return answersOf({ library, names: new Names(library), documents: new Documents(library), kept: new Kept() });
}

/** What was read of one delivery, kept from answer to answer. */
interface Read {
	library: Library;
	names: Names;
	documents: Documents;
	kept: Kept;
}

function answersOf(of: Read, signal?: AbortSignal): Answers {
	const library = stoppable(of.library, signal);
	const names: Resolving = { resolver: () => unless(signal, of.names.resolver()) };
	const documents: Texts = { text: (source, entry) => unless(signal, of.documents.text(source, entry)) };
	const page = async (question: unknown[], next: string | undefined, make: () => Promise<Whole> | Whole) => {
		const pages = new Pages(library.index, question);
		const start = pages.start(next);
		return pages.cut(await of.kept.get(JSON.stringify(question), make), start);
	};
	return {
		list: (next) => page(['list'], next, () => list(library)),
		summary: (section, next) => page(['summary', section], next, () => summary(library, section)),
		search: ({ next, ...query }) =>
			page(['search', sorted(query)], next, () => search(library, names, documents, query)),
		read: (ref, next) => page(['read', ref], next, () => read(library, names, documents, ref)),
		trend: ({ next, ...query }) => page(['trend', sorted(query)], next, () => trend(library, names, query)),
		until: (signal) => answersOf(of, signal),
	};
}

/** One question is one, in whatever order its parts are given. */
function sorted(query: object): [string, unknown][] {
	return Object.entries(query)
		.filter(([, value]) => value !== undefined)
		.sort(([a], [b]) => (a < b ? -1 : 1));
}
