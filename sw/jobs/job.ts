/**
 * A job: collecting from some connections, into a session, into a download or into a copy on this device. Its row is all that a
 * worker needs to go on where another one died. Beside it lie, under the job's id,
 *
 * - `chunk` rows: lines that are read but not yet in a part, sealed by the vault,
 * - `part` rows: sealed parts, exactly as they are sent, and beside each its size and digest.
 */
import type { QueryReport } from '../../relay/contract.js';
import type { From, JobView, KindProgress, SourceProgress, SyncEntry, WireError } from '../contract.js';
import type { Copy } from '../copy/copy.js';
import type { Reading } from '../fhir/readings.js';
import type { CollectState } from '../fhir/state.js';
import type { RowKey } from '../wallet/db.js';

export interface Job {
	id: string;
	kind: JobView['kind'];
	sid: string | null;
	status: JobView['status'];
	error: WireError | null;
	sources: Source[];
	/** What happens to connections made for the session. */
	afterwards: 'keep' | 'clear';
	/** The sealed manifest, stored before it is sent so that a repeat is the same octets. */
	manifest: string | null;
	/** The relay has the manifest: whatever comes now, the records are with the agent. */
	delivered: boolean;
	/** Slices in a row that got it no further. */
	rests: number;
	parts: JobView['parts'];
	sealed: JobView['sealed'];
	startedAt: number;
	finishedAt: number | null;
}

export interface Source {
	connectionId: string;
	/** Where it is read from. */
	from: From;
	/** Requests made to the provider. */
	requests: number;
	/** Whether everything is read, or what changed since the copy that is there. */
	mode: SyncEntry['mode'];
	/** Of the server, `4.0.1`; null where it did not say. */
	fhirVersion: string | null;
	/** What became of each type, once everything is read. */
	readings: Reading[];
	name: string;
	fhirBaseUrl: string;
	patient: { id: string; name?: string; birthDate?: string };
	step: SourceProgress['step'];
	error: WireError | null;
	held: SourceProgress['held'];
	/** The job goes on without it: nothing more is read of it. */
	left?: true;
	/** Null before the start and after the end. */
	collect: CollectState | null;
	/** The copy that is read, as it was at the beginning, and how many of its parts were; null before the start and after the end. */
	copied?: { copy: Copy; done: number } | null;
	/** Everything is read and cut; only what is sealed may still have to be sent. */
	collected: boolean;
	fetchedAt: string;
	streams: Record<string, Stream>;
	/** Kept when the collect state is dropped. */
	kinds: KindProgress[];
	queries: QueryReport[];
	resources: number;
	bytes: number;
}

/** One blob of a session, or one NDJSON file of a download. */
export interface Stream {
	bid: string;
	/** CEK, base64url. */
	key: string;
	/** Parts cut so far. */
	parts: number;
	/** Octets and lines of NDJSON in them. */
	bytes: number;
	lines: number;
	/** Chunks `firstChunk` up to `nextChunk` hold what is not cut yet. */
	firstChunk: number;
	nextChunk: number;
	/** The part with `last` is cut. */
	closed: boolean;
}

/** What is known of a part without its octets: a row that stays. */
export interface Seal {
	size: number;
	/** SHA-256, base64url. */
	digest: string;
}

/**
 * A part's row, deleted once the relay has acknowledged the part. In an earlier version it stayed, without the octets, and
 * had no `Seal` beside it.
 */
export interface Part extends Seal {
	octets: Uint8Array<ArrayBuffer> | null;
}

export const jobKey = (id: string): RowKey => ['job', id];
export const JOBS: RowKey = ['job'];
export const chunksKey = (id: string, source: number, stream: string): RowKey => ['chunk', id, source, stream];
export const partsKey = (id: string, source: number, stream: string): RowKey => ['part', id, source, stream];

export const partKey = (id: string, source: number, stream: string, n: number): RowKey => [
	...partsKey(id, source, stream),
	n,
];
export const sealKey = (id: string, source: number, stream: string, n: number): RowKey => [
	...partKey(id, source, stream, n),
	'seal',
];

/** The one stream of a session's blob. */
export const ALL = 'all';

/** Reads one source, within a slice: from the provider (`source.ts`) or from the copy on this device (`copied.ts`). */
export interface SourceReader {
	/**
	 * Runs until everything is read (`source.collected`) or the slice is over.
	 * @throws {BrokerError} what stops the source; `source.error` has it too, unless it passes by itself
	 */
	run(slice: Slice): Promise<void>;
	/** Brings `source.kinds` and the totals up to this moment, for whoever looks. */
	tally?(): void;
}

/** What a slice gives its parts. */
export interface Slice {
	/** Nothing is started or waited for after this moment; what is in flight then is the next slice's. */
	deadline: number;
	/** Aborted when the job is cancelled: nothing more is started, kept or waited for. The same in every slice. */
	signal: AbortSignal;
	progress: () => void;
}
