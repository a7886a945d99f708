/**
 * The store of several relays: everything is in Redis, so any of them serves any request, and one that is killed leaves
 * nothing behind but uploads that lapse. What is atomic is a script (`scripts/`); what ends, ends by a TTL of the engine and,
 * exactly, by the time that scripts compare.
 */
import { randomBytes } from 'node:crypto';
import { RESP_TYPES } from 'redis';
import type { Clock } from '../../clock.js';
import { RelayError } from '../../errors.js';
import type { Found, NewSession, PartInfo, PartPosition, Session, Store, Stored, Watch } from '../store.js';
import type { Watches } from '../watches.js';
import type { Connection, scripts } from './connection.js';
import { drain, pieces, streamOf, Turns } from './octets.js';
import * as replies from './replies.js';
import type { ScriptArgument } from './scripts/script.js';

/** Pieces on their way at a time; the rest of what this process holds waits for its turn. */
const PIECES = 16;

/** Seconds after which some of all uploads will have ended. */
const RETRY_AFTER = 5;

export interface RedisStoreOptions {
	clock: Clock;
	/** Begins every key, and the name of the channel. */
	prefix: string;
	/** How long an upload lives without a piece, in ms. */
	uploadMs: number;
	/** Uploads under way at a time: of one session (`too_many_requests` beyond it), and in this process (`unavailable`). */
	uploadsPerSession: number;
	uploads: number;
	/** For all that is small, and for octets, so that the one does not wait for the other. */
	commands: Connection;
	octets: Connection;
	/** Who listens to the channel wakes these. */
	watches: Watches;
	/** Rejects unless changes are heard of, too. */
	listening: () => Promise<unknown>;
	close: () => Promise<void>;
}

export class RedisStore implements Store {
	#turns = new Turns(PIECES);
	#uploads = 0;

	constructor(private readonly options: RedisStoreOptions) {}

	/** Writes, because a Redis that is full or has become a replica still answers. */
	async ready(): Promise<void> {
		const { commands, prefix, listening } = this.options;
		const expiration = { type: 'PX', value: 1000 } as const;
		await Promise.all([commands.run((client) => client.set(`${prefix}:ready`, '1', { expiration })), listening()]);
	}

	async create(sid: string, asked: NewSession): Promise<{ stored: Stored; session: Session }> {
		const { readHash, writeHash, expiresAt, maxBytes, partBytes, request, fingerprint } = asked;
		const reply = await this.#run('create', sid, [
			...[readHash, writeHash, expiresAt, maxBytes, partBytes],
			...[JSON.stringify(request), fingerprint],
		]);
		return { stored: storedAs(replies.outcome(reply)), session: replies.session(reply) };
	}

	async find(sid: string): Promise<Found | null> {
		const reply = await this.#run('find', sid);
		const kind = replies.outcome(reply);
		if (kind === 'unknown') return null;
		if (kind === 'gone') return { kind, hashes: replies.hashes(reply) };
		return { kind: 'live', session: replies.session(reply) };
	}

	async claim(sid: string, ownerHash: string): Promise<Stored> {
		return storedAs(replies.outcome(await this.#run('claim', sid, [ownerHash])));
	}

	async putPart(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored> {
		if (this.#uploads >= this.options.uploads) throw new RelayError('unavailable', { retryAfter: RETRY_AFTER });
		this.#uploads++;
		try {
			return await this.#upload(sid, part, body);
		} finally {
			this.#uploads--;
		}
	}

	async listParts(sid: string): Promise<PartInfo[]> {
		const reply = await this.#run('parts', sid);
		replies.outcome(reply);
		return replies.parts(reply);
	}

	async readPart(sid: string, position: PartPosition): Promise<PartInfo & { body: ReadableStream<Uint8Array> }> {
		const name = `${position.bid}.${position.n}`;
		const reply = await this.#run('part', sid, [name]);
		replies.outcome(reply);
		const part = replies.part(reply, position);
		const key = `${this.#key(sid)}:part:${name}`;
		const read = (from: number, length: number) =>
			this.#turns.run(() =>
				this.options.octets.run((client) =>
					client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).getRange(key, from, from + length - 1),
				),
			);
		return { ...part, body: streamOf(part.bytes, read) };
	}

	async putManifest(sid: string, manifest: string): Promise<Stored> {
		return storedAs(replies.outcome(await this.#run('finalise', sid, [manifest], this.options.octets)));
	}

	async readManifest(sid: string): Promise<string | null> {
		const reply = await this.#run('manifest', sid, [], this.options.octets);
		replies.outcome(reply);
		return replies.text(reply);
	}

	watch(sid: string): Watch {
		return this.options.watches.watch(sid);
	}

	async remove(sid: string): Promise<void> {
		replies.outcome(await this.#run('remove', sid));
	}

	/** Nothing to do: every key has a TTL. */
	async sweep(): Promise<void> {}

	close(): Promise<void> {
		return this.options.close();
	}

	async #upload(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored> {
		const { uploadMs, uploadsPerSession, octets } = this.options;
		const nonce = randomBytes(12).toString('base64url');
		const upload = [part.bid, part.n, part.bytes, part.digest, nonce].join('.');
		const begun = replies.outcome(await this.#run('begin', sid, [upload, uploadMs, uploadsPerSession]));
		if (begun === 'repeated') {
			await drain(body, part.bytes);
			return 'repeated';
		}
		let stored: Stored | undefined;
		try {
			let at = 0;
			for await (const piece of pieces(body, part.bytes, () => this.#uploads, uploadMs / 3)) {
				replies.outcome(await this.#turns.run(() => this.#run('append', sid, [upload, uploadMs, at, piece], octets)));
				at += piece.length;
			}
			stored = storedAs(replies.outcome(await this.#run('commit', sid, [upload, uploadMs])));
			return stored;
		} finally {
			// When even this fails the upload lapses.
			if (stored !== 'created') await this.#run('abandon', sid, [upload]).catch(() => undefined);
		}
	}

	#key(sid: string): string {
		return `${this.options.prefix}:{${sid}}`;
	}

	#run(
		name: keyof typeof scripts,
		sid: string,
		args: readonly ScriptArgument[] = [],
		connection = this.options.commands,
	): Promise<unknown> {
		return connection.run((client) => client[name](this.#key(sid), this.options.clock.now(), args));
	}
}

function storedAs(outcome: string): Stored {
	return outcome === 'created' ? 'created' : 'repeated';
}
