/** What the disk store keeps of a session: in memory while it lives, and the JSON beside its parts. */
import * as v from 'valibot';
import { Digest, Id, LIMITS, PartNumber } from '../../contract.js';
import { RelayError } from '../errors.js';
import type { PartInfo, PartPosition, Session } from './store.js';

/** Bounds what one session can have in the staging directory at the same time. */
const UPLOADS_PER_SESSION = 16;

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
	#uploads = new Map<string, Set<PartInfo>>();
	#bytes = 0;

	constructor(
		public record: SessionRecord,
		public sent: boolean,
	) {}

	view(): Session {
		const { v: _, ...record } = this.record;
		const state = this.sent ? 'sent' : record.ownerHash ? 'claimed' : 'open';
		return { ...record, state, parts: this.#parts.size, bytes: this.#bytes };
	}

	part(position: PartPosition): PartInfo | undefined {
		return this.#parts.get(key(position));
	}

	parts(): PartInfo[] {
		return [...this.#parts.values()].sort((a, b) => (a.bid === b.bid ? a.n - b.n : a.bid < b.bid ? -1 : 1));
	}

	add(part: PartInfo): void {
		this.#bytes += part.bytes - (this.part(part)?.bytes ?? 0);
		this.#parts.set(key(part), part);
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
	 * Sets the part's octets aside for the time of its upload. Of several uploads of one part only one will be stored,
	 * so only the longest counts: a repetition is not refused because the first attempt still hangs.
	 * @returns what gives them back
	 * @throws {RelayError} `too_large`, `too_many_requests`
	 */
	reserve(part: PartInfo): () => void {
		const blobs = new Set([...this.#parts.values()].map(({ bid }) => bid));
		const others: PartInfo[] = [part];
		let underWay = 0;
		for (const uploads of this.#uploads.values()) {
			underWay += uploads.size;
			others.push(...uploads);
		}
		if (underWay >= UPLOADS_PER_SESSION) throw new RelayError('too_many_requests', { retryAfter: 1 });
		const longest = new Map<string, number>();
		for (const upload of others) {
			blobs.add(upload.bid);
			if (this.part(upload)) continue;
			longest.set(key(upload), Math.max(longest.get(key(upload)) ?? 0, upload.bytes));
		}
		const total = [...longest.values()].reduce((sum, bytes) => sum + bytes, this.#bytes);
		if (total > this.record.maxBytes || blobs.size > LIMITS.blobsPerSession) throw new RelayError('too_large');

		const uploads = this.#uploads.get(key(part)) ?? new Set();
		this.#uploads.set(key(part), uploads);
		// A copy of its own, so that two uploads of the very same part are two members of the set.
		const upload = { ...part };
		uploads.add(upload);
		return () => {
			uploads.delete(upload);
			if (uploads.size === 0 && this.#uploads.get(key(part)) === uploads) this.#uploads.delete(key(part));
		};
	}
}
