/** What the disk store keeps of a session: in memory while it lives, and the JSON beside its parts. */
import * as v from 'valibot';
import { Digest, Id, LIMITS, PartNumber } from '../../../contract.js';
import { RelayError } from '../../errors.js';
import { inOrder } from '../parts.js';
import { MOST_PARTS, type PartInfo, type PartPosition, type Session, stateOf } from '../store.js';

const time = v.pipe(v.number(), v.integer());
const size = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `session.json` */
export const SessionRecord = v.object({
	v: v.literal(1),
	readHash: Digest,
	writeHash: Digest,
	ownerHash: v.nullable(Digest),
	expiresAt: time,
	maxBytes: size,
	partBytes: size,
	request: v.nullable(v.string()),
	fingerprint: Digest,
});
export type SessionRecord = v.InferOutput<typeof SessionRecord>;

/** `gone/<sid>.json` */
export const Tombstone = v.object({
	v: v.literal(1),
	readHash: Digest,
	writeHash: Digest,
	ownerHash: v.nullable(Digest),
	/** When it may be forgotten. */
	until: time,
});
export type Tombstone = v.InferOutput<typeof Tombstone>;

/** `clock.json`: the latest time known to a process that had the directory. */
export const ClockMark = v.object({ v: v.literal(1), time });

/** Null unless the text is JSON of that shape. */
export function parseRecord<T>(schema: v.GenericSchema<unknown, T>, text: string | null): T | null {
	if (text === null) return null;
	try {
		const result = v.safeParse(schema, JSON.parse(text));
		return result.success ? result.output : null;
	} catch {
		return null;
	}
}

/** A part's file name says all that is known of it, so that one rename makes it visible as a whole. */
export function partName({ bid, n, digest }: Omit<PartInfo, 'bytes'>): string {
	return `${bid}.${n}.${digest}`;
}

/** Null for any other file. */
export function parsePartName(name: string): Omit<PartInfo, 'bytes'> | null {
	const [bid, number, digest, ...rest] = name.split('.');
	const n = Number(number);
	if (rest.length || !v.is(Id, bid) || !v.is(PartNumber, n) || !v.is(Digest, digest)) return null;
	return { bid, n, digest };
}

const key = ({ bid, n }: PartPosition) => `${bid}.${n}`;

/** A session that lives, with the index of its parts and the uploads under way. */
export class Entry {
	#parts = new Map<string, PartInfo>();
	#bytes = 0;
	/** Sizes of the uploads under way, by the part they are for. */
	#uploads = new Map<string, number[]>();
	/** What is set aside for each of those parts, and for all of them. */
	#held = new Map<string, number>();
	#reserved = 0;
	/** How many parts and uploads each blob has. */
	#blobs = new Map<string, number>();

	constructor(
		public record: SessionRecord,
		public sent: boolean,
	) {}

	view(): Session {
		const { v: _, ...record } = this.record;
		return { ...record, state: stateOf(record.ownerHash, this.sent), parts: this.#parts.size, bytes: this.#bytes };
	}

	part(position: PartPosition): PartInfo | undefined {
		return this.#parts.get(key(position));
	}

	parts(): PartInfo[] {
		return inOrder(this.#parts.values());
	}

	add(part: PartInfo): void {
		const there = this.part(part);
		if (!there) this.#countBlob(part.bid, 1);
		this.#bytes += part.bytes - (there?.bytes ?? 0);
		this.#parts.set(key(part), part);
		this.#hold(part);
	}

	/**
	 * Whether the part is there already; otherwise whether it may be stored.
	 * @throws {RelayError} `not_claimed`, `already_exists`, `already_sent`
	 */
	check(part: PartInfo): 'new' | 'repeated' {
		if (!this.record.ownerHash) throw new RelayError('not_claimed');
		const there = this.part(part);
		if (there?.digest === part.digest && there.bytes === part.bytes) return 'repeated';
		if (this.sent) throw new RelayError('already_sent');
		if (there) throw new RelayError('already_exists');
		return 'new';
	}

	/**
	 * Sets the part's octets aside for the time of its upload; nothing for one that is there. Of several uploads of one part only one
	 * will be stored, so only the longest counts: a repetition is not refused because the first attempt still hangs.
	 * @returns what gives them back, to be called once
	 * @throws {RelayError} `too_large`
	 */
	reserve(part: PartInfo): () => void {
		const id = key(part);
		const growth = this.part(part) ? 0 : Math.max(0, part.bytes - (this.#held.get(id) ?? 0));
		if (this.#bytes + this.#reserved + growth > this.record.maxBytes) throw new RelayError('too_large');
		const isNew = !this.#parts.has(id) && !this.#held.has(id);
		if (isNew && this.#parts.size + this.#held.size >= MOST_PARTS) throw new RelayError('too_large');
		if (!this.#blobs.has(part.bid) && this.#blobs.size >= LIMITS.blobsPerSession) throw new RelayError('too_large');

		const uploads = this.#uploads.get(id) ?? [];
		this.#uploads.set(id, uploads);
		uploads.push(part.bytes);
		this.#countBlob(part.bid, 1);
		this.#hold(part);
		return () => {
			uploads.splice(uploads.indexOf(part.bytes), 1);
			if (uploads.length === 0) this.#uploads.delete(id);
			this.#countBlob(part.bid, -1);
			this.#hold(part);
		};
	}

	/** What is set aside for that part, anew: the longest of its uploads, or nothing once it is there. */
	#hold(part: PartInfo): void {
		const id = key(part);
		const held = this.#parts.has(id) ? 0 : Math.max(0, ...(this.#uploads.get(id) ?? []));
		this.#reserved += held - (this.#held.get(id) ?? 0);
		if (held > 0) this.#held.set(id, held);
		else this.#held.delete(id);
	}

	#countBlob(bid: string, by: 1 | -1): void {
		const count = (this.#blobs.get(bid) ?? 0) + by;
		if (count > 0) this.#blobs.set(bid, count);
		else this.#blobs.delete(bid);
	}
}
