import type { Fan } from './searches.js';

/** Raised when a stored state could be misread. */
export const STATE_VERSION = 1;

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
	/** Held against it by a page, while it goes on to the next. */
	problem?: Problem;
	fans?: Fan[];
	parent?: string;
	/** Which of the parent's fans it is of. */
	fan?: number;
	optional?: true;
}

/** Work that the record itself brought up; removed once settled. */
export type Work =
	| { kind: 'batch'; type: string; ids: string[]; level: 1 | 2; paging: Paging | null }
	| { kind: 'read'; type: string; id: string; level: 1 | 2 }
	/** `url`: below the FHIR base where it is, else absolute. `plain`: the server did not like the content type asked. */
	| { kind: 'document'; url: string; contentType: string; plain?: true };

/** What became of settled work of one type. */
export interface Tally {
	count: number;
	/** By `status reason`: the ids, or document addresses, that are missing. */
	missing: Record<string, string[]>;
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
	/** How a referenced type can be fetched; absent: not offered or not granted. */
	fetchable: Record<string, 'batch' | 'read'>;
	/** Whether Binary may be read. */
	binaries: boolean;
	/** `searches`, then references of what they brought, then references of those. */
	phase: 'searches' | 'references' | 'further' | 'over';
	/** Referenced resources to fetch in the next phase: ids by type. */
	wanted: Record<string, string[]>;
	/** References found so far; those above `MAX_REFERENCES` are counted and not followed. */
	followed: number;
	work: Record<string, Work>;
	nextWork: number;
	/** Hashes of everything delivered, wanted and fetched; see `seen.ts`. */
	seen: string[];
	/** Lines delivered, by type. */
	delivered: Record<string, number>;
	/** Octets of lines delivered, line ends included. */
	bytes: number;
	references: Record<string, Tally>;
	documents: Tally;
}
