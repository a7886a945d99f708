/**
 * Puts lines into streams and streams into sealed parts, so that a worker may die at any moment: a checkpoint is one
 * transaction that holds the job's row, the lines read since the last checkpoint, and any part that was cut from them.
 * What the row says is read is therefore always there, exactly once.
 *
 * Lines are sealed into a part when a stream has about `SEGMENT_OCTETS` of them; until then they wait as chunks.
 */
import { base64url } from 'jose';
import { sealPart, sha256 } from '../../relay/envelope.js';
import { BrokerError } from '../errors.js';
import type { RowKey } from '../wallet/db.js';
import { type Change, commit, readRaw } from '../wallet/rows.js';
import { openBytes, type Sealed, sealBytes } from '../wallet/vault.js';
import { gzip } from './gzip.js';
import { chunksKey, type Job, jobKey, type Part, partsKey, type Stream } from './job.js';

/** About how much NDJSON makes a part: the unit of memory, of upload, of resuming and of decoding. */
const SEGMENT_OCTETS = 4 * 1024 * 1024;

/** Lines of one stream that are not in a part yet. */
interface Pending {
	source: number;
	name: string;
	stream: Stream;
	/** On disk as chunks. */
	kept: Uint8Array<ArrayBuffer>[];
	/** Not on disk yet. */
	fresh: Uint8Array<ArrayBuffer>[];
	octets: number;
	lines: number;
	closing: boolean;
}

/** A part as it is known in memory, without its octets. */
export interface PartState {
	source: number;
	name: string;
	n: number;
	size: number;
	digest: string;
	sent: boolean;
}

const utf8 = new TextEncoder();

export class Writer {
	/** All parts of the job, in order of cutting. */
	readonly parts: PartState[] = [];
	private readonly pending = new Map<string, Pending>();
	/** Revision of the job's row that this writer last wrote: if the row has another, somebody else went on with it. */
	revision: number;
	/** Called when parts were sealed. */
	onParts: () => void = () => {};
	/** Checkpoints happen one after another: each snapshot is newer than the one before. */
	private last: Promise<void> = Promise.resolve();

	private constructor(
		private readonly job: Job,
		revision: number,
	) {
		this.revision = revision;
	}

	/** Takes up a job where its row, chunks and parts say that it stands. */
	static async open(job: Job, revision: number): Promise<Writer> {
		const writer = new Writer(job, revision);
		for (const [source, { streams }] of job.sources.entries()) {
			for (const [name, stream] of Object.entries(streams)) await writer.restore(source, name, stream);
		}
		return writer;
	}

	private async restore(source: number, name: string, stream: Stream): Promise<void> {
		const { id } = this.job;
		for (let n = 0; n < stream.parts; n++) {
			const part = await readRaw<Part>([...partsKey(id, source, name), n]);
			if (part) this.parts.push({ source, name, n, size: part.size, digest: part.digest, sent: part.octets === null });
		}
		if (stream.closed) return;
		const pending = this.pendingOf(source, name, stream);
		for (let chunk = stream.firstChunk; chunk < stream.nextChunk; chunk++) {
			const key: RowKey = [...chunksKey(id, source, name), chunk];
			const sealed = await readRaw<Sealed>(key);
			if (!sealed) throw new BrokerError('storage_failed');
			const octets = await openBytes(sealed, key);
			pending.kept.push(octets);
			pending.octets += octets.length;
			pending.lines += countLines(octets);
		}
	}

	private pendingOf(source: number, name: string, stream: Stream): Pending {
		const id = `${source}/${name}`;
		let pending = this.pending.get(id);
		if (!pending) {
			pending = { source, name, stream, kept: [], fresh: [], octets: 0, lines: 0, closing: false };
			this.pending.set(id, pending);
		}
		return pending;
	}

	/** Takes lines, in the same turn in which the collect state that knows of them changed. */
	append(source: number, name: string, lines: string[]): void {
		if (!lines.length) return;
		const octets = utf8.encode(`${lines.join('\n')}\n`);
		const pending = this.pendingOf(source, name, this.streamOf(source, name));
		pending.fresh.push(octets);
		pending.octets += octets.length;
		pending.lines += lines.length;
	}

	private streamOf(source: number, name: string): Stream {
		const { streams } = this.job.sources[source]!;
		// A resource type is the server's word: `constructor` must not find what every object has.
		if (!Object.hasOwn(streams, name)) streams[name] = newStream();
		return streams[name]!;
	}

	/** The next checkpoint cuts every stream's last part. */
	close(source: number, name: string): void {
		this.pendingOf(source, name, this.streamOf(source, name)).closing = true;
	}

	/** Octets that wait to be sealed; whoever reads faster than this shrinks should wait for a checkpoint. */
	get waiting(): number {
		let octets = 0;
		for (const pending of this.pending.values()) octets += pending.octets;
		return octets;
	}

	/** Whether some stream has enough for a part, or all of them together hold much. */
	get full(): boolean {
		for (const { octets } of this.pending.values()) if (octets >= SEGMENT_OCTETS) return true;
		return this.waiting >= 4 * SEGMENT_OCTETS;
	}

	/**
	 * Resolves when everything appended before the call is on disk. If it rejects, this writer and its job are no longer
	 * what the disk says: whoever owns them starts again from the row.
	 */
	checkpoint(): Promise<void> {
		const next = this.last.then(() => this.write());
		this.last = next;
		// Whoever waits for it hears of a failure; nobody else must.
		next.catch(() => {});
		return next;
	}

	private async write(): Promise<void> {
		// This turn: what is written, and a snapshot that knows exactly of it.
		const chunks: { key: RowKey; octets: Uint8Array<ArrayBuffer> }[] = [];
		const cuts: { pending: Pending; n: number; octets: Uint8Array<ArrayBuffer>; last: boolean }[] = [];
		for (const pending of this.pending.values()) {
			const { stream } = pending;
			if (pending.closing || pending.octets >= SEGMENT_OCTETS) {
				const segments = cutSegments([...pending.kept, ...pending.fresh]);
				for (const [i, octets] of segments.entries())
					cuts.push({ pending, n: stream.parts++, octets, last: pending.closing && i === segments.length - 1 });
				stream.bytes += pending.octets;
				stream.lines += pending.lines;
				stream.firstChunk = stream.nextChunk;
				stream.closed = pending.closing;
				Object.assign(pending, { kept: [], fresh: [], octets: 0, lines: 0 });
			} else if (pending.fresh.length) {
				const octets = concat(pending.fresh);
				chunks.push({ key: [...this.chunks(pending), stream.nextChunk++], octets });
				pending.kept = [...pending.kept, octets];
				pending.fresh = [];
			} else continue;
		}
		const json = JSON.stringify(this.job);
		// From here on other pages may come in; they belong to the next checkpoint.
		const changes: Change[] = [{ key: jobKey(this.job.id), expect: this.revision, json }];
		for (const { key, octets } of chunks) changes.push({ key, raw: await sealBytes(octets, key) });
		const parts: PartState[] = [];
		for (const { pending, n, octets, last } of cuts) {
			const { source, name, stream } = pending;
			const position = { sid: this.job.sid ?? this.job.id, bid: stream.bid, n, last };
			const sealed = (await sealPart(await gzip(octets), stream.key, position)) as Uint8Array<ArrayBuffer>;
			const part: Part = { octets: sealed, size: sealed.length, digest: await sha256(sealed) };
			changes.push({ key: [...partsKey(this.job.id, source, name), n], raw: part }, { below: this.chunks(pending) });
			parts.push({ source, name, n, size: part.size, digest: part.digest, sent: false });
		}
		[this.revision] = (await commit(changes)) as [number];
		this.parts.push(...parts);
		if (parts.length) this.onParts();
		for (const { pending, last } of cuts) if (last) this.pending.delete(`${pending.source}/${pending.name}`);
	}

	private chunks({ source, name }: Pending): RowKey {
		return chunksKey(this.job.id, source, name);
	}

	bidOf({ source, name }: PartState): string {
		return this.streamOf(source, name).bid;
	}

	/** The octets of a part that is not sent yet. */
	async octets({ source, name, n }: PartState): Promise<Uint8Array<ArrayBuffer> | null> {
		return (await readRaw<Part>([...partsKey(this.job.id, source, name), n]))?.octets ?? null;
	}

	/** The relay has it: its octets need not be kept any longer. */
	async markSent(part: PartState): Promise<void> {
		const { source, name, n, size, digest } = part;
		const row: Part = { octets: null, size, digest };
		await commit([{ key: [...partsKey(this.job.id, source, name), n], raw: row }]);
		part.sent = true;
	}
}

function newStream(): Stream {
	return {
		bid: base64url.encode(crypto.getRandomValues(new Uint8Array(16))),
		key: base64url.encode(crypto.getRandomValues(new Uint8Array(32))),
		parts: 0,
		bytes: 0,
		lines: 0,
		firstChunk: 0,
		nextChunk: 0,
		closed: false,
	};
}

function concat(pieces: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
	let offset = 0;
	for (const piece of pieces) {
		whole.set(piece, offset);
		offset += piece.length;
	}
	return whole;
}

/**
 * Groups whole lines into segments of about `SEGMENT_OCTETS`: of up to twice that, unless one line is longer. Always at
 * least one, which may be empty.
 */
export function cutSegments(pieces: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
	const segments: Uint8Array<ArrayBuffer>[][] = [[]];
	let size = 0;
	for (const piece of pieces.flatMap(splitPiece)) {
		if (size >= SEGMENT_OCTETS || (size > 0 && size + piece.length > 2 * SEGMENT_OCTETS)) {
			segments.push([]);
			size = 0;
		}
		segments.at(-1)?.push(piece);
		size += piece.length;
	}
	return segments.map(concat);
}

/** A piece is what one answer brought, and may be many segments long: it is cut after the line that fills one. */
function splitPiece(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
	const slices: Uint8Array<ArrayBuffer>[] = [];
	let from = 0;
	while (piece.length - from > SEGMENT_OCTETS) {
		const end = piece.indexOf(NEWLINE, from + SEGMENT_OCTETS) + 1;
		if (end === 0) break;
		slices.push(piece.subarray(from, end));
		from = end;
	}
	if (from < piece.length) slices.push(piece.subarray(from));
	return slices;
}

const NEWLINE = 10;

function countLines(octets: Uint8Array): number {
	let lines = 0;
	for (const octet of octets) if (octet === NEWLINE) lines++;
	return lines;
}
