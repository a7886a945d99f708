import type { Queue } from './queue.js';
import type { Fan } from './searches.js';

/** Raised when a stored state could be misread. */
export const STATE_VERSION = 3;

/** Why there is no (complete) answer. `reason` is a code: `http_403`, `not_json`, `next_loop`, `timeout`. */
export interface Problem {
	status: 'refused' | 'failed';
	reason: string;
}

/** Where a search with pages stands. Hashes are of `seen.ts`. */
export interface Paging {
	/** Absolute, of the FHIR base's origin. */
	next: string;
	/** Pages read so far. */
	page: number;
	/** Hashes of the `next` links followed. */
	visited: string;
	/** Hash of the last page that had entries. */
	last: string;
	/** Pages without entries in a row. */
	empty: number;
}

export type QueryState =
	| { is: 'waiting' }
	| ({ is: 'paging' } & Paging)
	/** Asked in pieces instead: those queries whose `parent` this is and whose `fan` is this one's. */
	| { is: 'fanned'; fan: number; refusal: Problem | null }
	| { is: 'answered' }
	| ({ is: 'unanswered' } & Problem);

/** A query of the plan. */
export interface Query {
	id: string;
	type: string;
	/** Below the FHIR base: `Patient/p1`, `Observation?patient=p1&category=laboratory`. */
	query: string;
	state: QueryState;
	/** Resources of `type` that it brought, also those that another query brought before. */
	count: number;
	/** Resources of another patient that were set aside. */
	foreign: number;
	/** Answers that it took, and how long they took together, in ms. */
	pages: number;
	ms: number;
	/** The server counted matches and showed none: perhaps there is nothing. */
	unsure?: true;
	/** Held against it by a page, while it goes on to the next. */
	problem?: Problem;
	/** How many resources a page it asks for, where the state's `count` of them were too large. */
	most?: number;
	fans?: Fan[];
	parent?: string;
	/** Which of the parent's fans it is of. */
	fan?: number;
	optional?: true;
	/** Looks for what the other pieces may have missed. */
	rest?: true;
}

/** Work that the record itself brought up; removed once settled. */
export type Work =
	| { kind: 'batch'; type: string; ids: string[]; level: 1 | 2; paging: Paging | null }
	| { kind: 'read'; type: string; id: string; level: 1 | 2 }
	| Probe;

/** Whether the server can be asked for changes: first for those after the latest seen, then for all since `before`. */
export interface Probe {
	kind: 'probe';
	type: string;
	/** Of the plan, answered before. */
	query: string;
	/** Instants. */
	after: string;
	before?: string;
}

export interface Document {
	/** Below the FHIR base where it is, else absolute. */
	url: string;
	contentType: string;
	/** The server did not like the content type asked. */
	plain?: true;
}

/** What became of settled work of one type. */
export interface Tally {
	count: number;
	pages: number;
	ms: number;
	/** By `status reason`: the ids, or document addresses, that are missing; and how many more. */
	missing: Record<string, { names: string[]; more: number }>;
}

/** What is known of one resource type. */
export interface TypeState {
	/** Lines delivered, and their octets with line ends. */
	count: number;
	bytes: number;
	/** How long its requests took, in ms. */
	ms: number;
	/** How many the record refers to, whether they may be fetched or not. */
	known: number;
	/** The earliest and the latest `meta.lastUpdated` that searches brought, and whether one of them had none. */
	oldest: string | null;
	latest: string | null;
	undated: boolean;
	/** Whether it proved that changes can be asked for; absent before it was asked. */
	proof?: boolean;
}

/** JSON-serialisable, and all that there is between two steps. */
export interface CollectState {
	v: typeof STATE_VERSION;
	/** Without a trailing slash. */
	base: string;
	patientId: string;
	accept: string;
	count: number;
	queries: Query[];
	/** What was asked for by name, and the types of which all is given for it; null for everything. */
	wants: readonly string[];
	whole: readonly string[] | null;
	/** How a referenced type can be fetched; absent: not offered or not granted. */
	fetchable: Record<string, 'batch' | 'read'>;
	/** Whether Binary may be read. */
	binaries: boolean;
	/** `searches`, then references of what they brought, then references of those. */
	phase: 'searches' | 'references' | 'further' | 'over';
	/** Types of which only what changed after an instant is read; without those of which there was a doubt. */
	since: Record<string, string>;
	/** How many there were in an earlier reading, by type. */
	expected: Record<string, number>;
	/** Whether to find out of which types changes can be asked for. */
	prove: boolean;
	/** Types whose changes are asked for with an end. */
	closedRanges?: readonly string[];
	/** Referenced resources to fetch in the next phase: ids by type. */
	wanted: Record<string, string[]>;
	/** References found so far; those above `MAX_REFERENCES` are counted and not followed. */
	followed: number;
	/** Resources of types beyond what one source may have. */
	excess: number;
	/** Documents found so far, and how many of them were above `MAX_DOCUMENTS`. */
	pointed: number;
	unpointed: number;
	work: Queue<Work>;
	toFetch: Queue<Document>;
	/** Hashes of everything delivered, wanted and fetched; see `seen.ts`. */
	seen: string[];
	types: Record<string, TypeState>;
	references: Record<string, Tally>;
	documents: Tally;
}

export function typeOf(state: CollectState, type: string): TypeState {
	let of = state.types[type];
	if (!of) {
		of = { count: 0, bytes: 0, ms: 0, known: 0, oldest: null, latest: null, undated: false };
		state.types[type] = of;
	}
	return of;
}

export function emptyTally(): Tally {
	return { count: 0, pages: 0, ms: 0, missing: {} };
}

/** Names kept of what is missing for one reason, and reasons that are told apart: a hostile record has no end of either. */
const MAX_NAMES = 200;
const MAX_REASONS = 20;

/** Notes something as missing: the first names of all in the alphabet stay, in whatever order they come; the rest is counted. */
export function addMissing({ missing }: Tally, name: string, { status, reason }: Problem): void {
	const own = `${status} ${reason}`;
	const key = own in missing || Object.keys(missing).length < MAX_REASONS ? own : 'failed various';
	const of = missing[key] ?? { names: [], more: 0 };
	missing[key] = of;
	of.names.push(name);
	if (of.names.length <= 2 * MAX_NAMES) return;
	of.more += of.names.length - MAX_NAMES;
	of.names = of.names.sort().slice(0, MAX_NAMES);
}

/** @returns sorted */
export function missingNames({ names, more }: Tally['missing'][string]): { names: string[]; more: number } {
	const sorted = [...names].sort();
	return { names: sorted.slice(0, MAX_NAMES), more: more + Math.max(0, sorted.length - MAX_NAMES) };
}
