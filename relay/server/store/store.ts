/**
 * What the relay needs of a store. Every operation is atomic: it happens as a whole or not at all, also with other
 * processes on the same store and when the process dies in the middle. Ids are checked before they get here.
 *
 * Refusals are thrown as RelayError. Any operation on a session that has ended throws `session_gone`, on one that never was
 * `session_not_found`, and every one of them `unavailable` (it passes) or `internal` when the store itself fails. Octets are
 * opaque; times are milliseconds since the epoch.
 */
import type { SessionState } from '../../contract.js';
import { DAY_MS } from '../clock.js';

/** SHA-256 of the tokens, base64url. */
export interface TokenHashes {
	readHash: string;
	writeHash: string;
	ownerHash: string | null;
}

export interface NewSession {
	readHash: string;
	writeHash: string;
	expiresAt: number;
	maxBytes: number;
	partBytes: number;
	request: string | null;
	/** Tells a repeated `create` from another one: SHA-256 over what was asked, base64url. */
	fingerprint: string;
}

export interface Session extends NewSession, TokenHashes {
	state: SessionState;
	/** Stored parts and their octets; uploads under way do not count. */
	parts: number;
	bytes: number;
}

export type Found =
	| { kind: 'live'; session: Session }
	/** Expired or deleted less than `TOMBSTONE_MS` ago: enough is kept to tell a holder of a token so. */
	| { kind: 'gone'; hashes: TokenHashes };

export interface PartPosition {
	bid: string;
	n: number;
}

export interface PartInfo extends PartPosition {
	bytes: number;
	/** SHA-256, base64url. */
	digest: string;
}

export function stateOf(ownerHash: string | null, sent: boolean): SessionState {
	if (sent) return 'sent';
	return ownerHash ? 'claimed' : 'open';
}

/** `repeated`: exactly this was there already. */
export type Stored = 'created' | 'repeated';

/** How long the token hashes of an ended session are kept. */
export const TOMBSTONE_MS = DAY_MS;

/** Parts of a session, at most: each takes a file or a key and a line of every list, however few octets it has. */
export const MOST_PARTS = 8192;

export interface Watch {
	/**
	 * Resolves when something has happened since `watch` was called, or when `signal` aborts. One call at a time: the one before must
	 * have resolved.
	 */
	changed(signal: AbortSignal): Promise<void>;
	/** Whoever watches says when it is over, whatever came of it. */
	close(): void;
}

export interface Store {
	/**
	 * Rejects when what is kept cannot be read and deleted. A store that takes nothing new, because there is no room, is ready: what it
	 * has must be fetched and ended, or there never will be.
	 */
	ready(): Promise<void>;

	/** Octets that uploads may still take, all of them together; null where the store does not know. */
	free(): Promise<number | null>;

	/**
	 * @throws {RelayError} `already_exists` with another fingerprint; `session_gone` when that very session ended; `unavailable` where
	 * there is no room.
	 */
	create(sid: string, session: NewSession): Promise<{ stored: Stored; session: Session }>;

	/** Null when the session is unknown. Compares `expiresAt` with the clock; never answers `live` after it. */
	find(sid: string): Promise<Found | null>;

	/** Of concurrent claims exactly one is `created`. @throws {RelayError} `already_claimed` by another owner. */
	claim(sid: string, ownerHash: string): Promise<Stored>;

	/**
	 * Stores `part.bytes` octets. Nothing of it is visible before `body` ended well; when `body` throws, or ends with
	 * another number of octets, nothing is kept. The same octets again are read to their end and `repeated`. `digest` is
	 * the caller's to check while it streams. Of concurrent uploads of one part, one is `created`.
	 * @throws {RelayError} `not_claimed`; `already_exists` with another digest; `already_sent`; `too_large` for the octets, the parts
	 * and the blobs of the session, counting everything that is being uploaded at the same time; `too_many_requests` and `unavailable`
	 * beyond the uploads of a session and of this process; `unavailable` where there is no room; `bad_request` when the length is wrong;
	 * whatever `body` throws.
	 */
	putPart(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored>;

	/** In order of `bid` and `n`. */
	listParts(sid: string): Promise<PartInfo[]>;

	/**
	 * The body is read as it is pulled; cancel it when it is not read to its end, or it counts as a download under way for minutes. Its
	 * first octets are there when this resolves; what goes later ends it with a RelayError.
	 * @throws {RelayError} `part_not_found`; `too_many_requests` and `unavailable` beyond the downloads of a session and of this process
	 */
	readPart(sid: string, position: PartPosition): Promise<PartInfo & { body: ReadableStream<Uint8Array> }>;

	/** The session is sent: no part is taken afterwards. @throws {RelayError} `not_claimed`; `already_sent` with another manifest. */
	putManifest(sid: string, manifest: string): Promise<Stored>;

	/** Null until there is one. */
	readManifest(sid: string): Promise<string | null>;

	/**
	 * Notices, from this call on, that the session is claimed, gets a part, is sent or ended, through whichever process. The
	 * store wakes its callers: watching costs no reads. Watch before looking, so that nothing falls in between.
	 */
	watch(sid: string): Watch;

	/** Ends the session: its data is deleted, its token hashes are kept for `TOMBSTONE_MS`. */
	remove(sid: string): Promise<void>;
}
