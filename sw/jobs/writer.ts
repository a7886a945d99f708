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
import type { Line } from '../fhir/line.js';
import { concat } from '../octets.js';
import { keysBelow, type RowKey } from '../wallet/db.js';
import { type Change, commit, readRaw } from '../wallet/rows.js';
import { openBytes, type Sealed, sealBytes } from '../wallet/vault.js';
import { gzip } from './gzip.js';
import { chunksKey, type Job, jobKey, type Part, partKey, partsKey, type Seal, type Stream, sealKey } from './job.js';

/** About how much NDJSON makes a part: the unit of memory, of upload, of resuming and of decoding. */
const SEGMENT_OCTETS = 4 * 1024 * 1024;
/** What may wait in memory for smaller parts than that, where there are many streams. */
const MOST_KEPT_OCTETS = 8 * 1024 * 1024;
/** With so much in memory, waiting or being sealed, nobody should read on. */
const MOST_OCTETS = 10 * 1024 * 1024;
/** What of sealed parts stays in memory until it is sent: on its way it need not be read from the disk again. */
const MOST_UNSENT_OCTETS = 8 * 1024 * 1024;
/** What a death may cost, in ms. */
const CHECKPOINT_MS = 1000;

/** Lines of one stream that are not in a part yet. */
interface Pending {
	source: number;
	name: string;
	stream: Stream;
	/** On disk as chunks. */
	kept: Uint8Array[];
	/** Not on disk yet. */
	fresh: Uint8Array[];
	octets: number;
	lines: number;
	closing: boolean;
}

/** A part as it is known in memory, without its octets. */
export interface PartState extends Seal {
	source: number;
	name: string;
	n: number;
	sent: boolean;
	/** Kept from sealing to sending; else they are read from the disk. */
	octets?: Uint8Array<ArrayBuffer> | null | undefined;
}

/** A part to be sealed. */
interface Cut {
	pending: Pending;
	n: number;
	pieces: Uint8Array[];
	last: boolean;
}

export class Writer {
	/** All parts of the job, in order of cutting. */
	readonly parts: PartState[] = [];
	private readonly pending = new Map<string, Pending>();
	/** Revision of the job's row that this writer last wrote: if the row has another, somebody else went on with it. */
	revision: number;
	/** Called when parts were sealed. */
	onParts: () => void = () => {};
	/** Something is to be written even if there are no lines: the job has changed. */
	dirty = false;
	/** Checkpoints happen one after another: each snapshot is newer than the one before. */
	private last: Promise<void> = Promise.resolve();
	/** The one that has not begun, which takes in whatever comes until then. */
	private next: Promise<void> | undefined;
	private wrote = Date.now();
	/** Octets that are being sealed. */
	private sealing = 0;
	private failed = false;

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
		const kept = new Set((await keysBelow(partsKey(id, source, name))).map((key) => key.slice(4).join('/')));
		for (let n = 0; n < stream.parts; n++) {
			// A row of an earlier version has all in one; reading that one's octets is all that tells whether it was sent.
			const part = kept.has(`${n}/seal`) ? undefined : await readRaw<Part>(partKey(id, source, name, n));
			const seal = part ?? (await readRaw<Seal>(sealKey(id, source, name, n)));
			if (!seal) throw new BrokerError('storage_failed');
			const sent = part ? part.octets === null : !kept.has(`${n}`);
			this.parts.push({ source, name, n, size: seal.size, digest: seal.digest, sent });
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
	append(source: number, name: string, lines: Line[]): void {
		if (!lines.length) return;
		const octets = new Uint8Array(lines.reduce((sum, line) => sum + line.octets.length + 1, 0));
		let at = 0;
		for (const line of lines) {
			octets.set(line.octets, at);
			at += line.octets.length;
			octets[at++] = NEWLINE;
		}
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

	/** Octets that wait to be cut into parts. */
	private get waiting(): number {
		let octets = 0;
		for (const pending of this.pending.values()) octets += pending.octets;
		return octets;
	}

	/** Whether there is enough for a part. */
	private get full(): boolean {
		for (const { octets } of this.pending.values()) if (octets >= SEGMENT_OCTETS) return true;
		return this.waiting >= MOST_KEPT_OCTETS;
	}

	/**
	 * Begins a checkpoint if one is due. @returns a promise where there is so much in memory, or writing has so failed, that
	 * nobody should go on before it is settled
	 */
	keepUp(): Promise<void> | undefined {
		const due = this.full || (this.dirty && Date.now() - this.wrote >= CHECKPOINT_MS);
		const written = due || this.failed ? this.checkpoint() : undefined;
		return this.failed || this.waiting + this.sealing >= MOST_OCTETS ? (written ?? this.last) : undefined;
	}

	/**
	 * Resolves when everything appended before the call is on disk. If it rejects, this writer and its job are no longer
	 * what the disk says: whoever owns them starts again from the row.
	 */
	checkpoint(): Promise<void> {
		this.next ??= this.queue();
		return this.next;
	}

	private queue(): Promise<void> {
		const next = this.last.then(() => {
			this.next = undefined;
			return this.write();
		});
		this.last = next;
		// Whoever waits for it hears of a failure; nobody else must.
		next.catch(() => {
			this.failed = true;
			this.next = undefined;
		});
		return next;
	}

	private async write(): Promise<void> {
		// This turn: what is written, and a snapshot that knows exactly of it.
		const chunks: { key: RowKey; octets: Uint8Array<ArrayBuffer> }[] = [];
		const cuts: Cut[] = [];
		for (const pending of this.toCut()) {
			const { stream } = pending;
			const segments = cutSegments([...pending.kept, ...pending.fresh]);
			for (const [i, pieces] of segments.entries())
				cuts.push({ pending, n: stream.parts++, pieces, last: pending.closing && i === segments.length - 1 });
			this.sealing += pending.octets;
			stream.bytes += pending.octets;
			stream.lines += pending.lines;
			stream.firstChunk = stream.nextChunk;
			stream.closed = pending.closing;
			Object.assign(pending, { kept: [], fresh: [], octets: 0, lines: 0 });
		}
		for (const pending of this.pending.values()) {
			if (!pending.fresh.length) continue;
			const octets = concat(pending.fresh);
			chunks.push({ key: [...this.chunks(pending), pending.stream.nextChunk++], octets });
			pending.kept.push(octets);
			pending.fresh = [];
		}
		const json = JSON.stringify(this.job);
		this.dirty = false;
		this.wrote = Date.now();
		// From here on other pages may come in; they belong to the next checkpoint.
		const changes: Change[] = [{ key: jobKey(this.job.id), expect: this.revision, json }];
		for (const { key, octets } of chunks) changes.push({ key, raw: await sealBytes(octets, key) });
		const parts: PartState[] = [];
		for (const cut of cuts) {
			const { source, name } = cut.pending;
			const { n } = cut;
			const part = await this.seal(cut);
			const { size, digest } = part;
			const at = [this.job.id, source, name, n] as const;
			changes.push({ key: partKey(...at), raw: part }, { key: sealKey(...at), raw: { size, digest } satisfies Seal });
			const kept = this.job.kind === 'send' && this.unsent + size <= MOST_UNSENT_OCTETS ? part.octets : undefined;
			parts.push({ source, name, n, size, digest, sent: false, octets: kept });
		}
		for (const pending of new Set(cuts.map(({ pending }) => pending))) changes.push({ below: this.chunks(pending) });
		// What is sealed leaves this device, and must never be sealed anew, not even after a power failure.
		const leaves = cuts.length > 0 || this.job.manifest !== null;
		[this.revision] = (await commit(changes, leaves ? 'strict' : 'relaxed')) as [number];
		this.sealing = 0;
		this.parts.push(...parts);
		if (parts.length) this.onParts();
		for (const { pending, last } of cuts) if (last) this.pending.delete(`${pending.source}/${pending.name}`);
	}

	/** Streams that end, that have enough for a part, and the longest of the others while they hold much all together. */
	private toCut(): Pending[] {
		const longest = [...this.pending.values()].sort((a, b) => b.octets - a.octets);
		let left = this.waiting;
		return longest.filter(({ closing, octets }) => {
			const cut = closing || octets >= SEGMENT_OCTETS || left >= MOST_KEPT_OCTETS;
			if (cut) left -= octets;
			return cut;
		});
	}

	private async seal({ pending, n, pieces, last }: Cut): Promise<Part> {
		const { stream } = pending;
		const position = { sid: this.job.sid ?? this.job.id, bid: stream.bid, n, last };
		const octets = (await sealPart(await gzip(...pieces), stream.key, position)) as Uint8Array<ArrayBuffer>;
		return { octets, size: octets.length, digest: await sha256(octets) };
	}

	private chunks({ source, name }: Pending): RowKey {
		return chunksKey(this.job.id, source, name);
	}

	bidOf({ source, name }: PartState): string {
		return this.streamOf(source, name).bid;
	}

	/** Octets of sealed parts in memory. */
	private get unsent(): number {
		return this.parts.reduce((sum, { octets }) => sum + (octets?.length ?? 0), 0);
	}

	/** The octets of a part that is not sent yet. */
	async octets({ source, name, n, octets }: PartState): Promise<Uint8Array<ArrayBuffer> | null> {
		return octets ?? (await readRaw<Part>(partKey(this.job.id, source, name, n)))?.octets ?? null;
	}

	/** The relay has it: its octets need not be kept any longer. Forgotten in a power failure, it is sent once more. */
	async markSent(part: PartState): Promise<void> {
		const { source, name, n, size, digest } = part;
		const at = [this.job.id, source, name, n] as const;
		const seal: Seal = { size, digest };
		await commit(
			[
				{ key: partKey(...at), remove: true },
				{ key: sealKey(...at), raw: seal },
			],
			'relaxed',
		);
		part.sent = true;
		part.octets = undefined;
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

/**
 * Groups whole lines into segments of about `SEGMENT_OCTETS`: of up to twice that, unless one line is longer. Always at
 * least one, which may be empty.
 */
export function cutSegments(pieces: Uint8Array[]): Uint8Array[][] {
	const segments: Uint8Array[][] = [[]];
	let size = 0;
	for (const piece of pieces.flatMap(splitPiece)) {
		if (size >= SEGMENT_OCTETS || (size > 0 && size + piece.length > 2 * SEGMENT_OCTETS)) {
			segments.push([]);
			size = 0;
		}
		segments.at(-1)?.push(piece);
		size += piece.length;
	}
	return segments;
}

/** A piece is what one answer brought, and may be many segments long: it is cut after the line that fills one. */
function splitPiece(piece: Uint8Array): Uint8Array[] {
	const slices: Uint8Array[] = [];
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
