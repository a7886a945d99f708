/**
 * A delivery on disk, read again: `index.json` and the NDJSON files beside it. Read-only, and in streams: records may be
 * larger than memory should be.
 */
import type { Index, SourceEntry } from '../records.js';

/** One resource and where it is. */
export interface Item {
	/** `01-lakeside-health/Observation/abc`; where a resource has no id of its own, `…/Observation/#12` by its line, from 1. */
	ref: string;
	source: SourceEntry;
	resource: Record<string, unknown>;
}

export interface Library {
	readonly dir: string;
	readonly index: Index;
	/** Every resource, or those of `types`, source by source, file by file (in the order of their names), line by line. */
	items(types?: readonly string[]): AsyncGenerator<Item, void, void>;
	/** @throws {AgentError} `ref_unknown` */
	item(ref: string): Promise<Item>;
	/** The octets of a document, by its `file` in the index. @throws {AgentError} `ref_unknown` */
	document(source: SourceEntry, file: string): Promise<Uint8Array>;
}

/**
 * @param dir the output folder of a delivery, or its staging folder before it is moved into place
 * @throws {AgentError} `no_records` nothing was delivered there; `records_damaged` what is there is not what was written
 */
export async function openLibrary(_dir: string): Promise<Library> {
	throw new Error('not yet');
}
