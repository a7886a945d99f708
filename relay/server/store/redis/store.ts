/**
 * The store of several relays: everything is in Redis, so any of them serves any request, and one that is killed leaves
 * nothing behind but uploads that lapse. What is atomic is a script (`scripts/`); what ends, ends by a TTL of the engine and,
 * exactly, by the time that scripts compare.
 */
import { randomBytes } from 'node:crypto';
import { RESP_TYPES } from 'redis';
import type { Clock } from '../../clock.js';
import { Admission } from '../admission.js';
import { drain, streamOf } from '../parts.js';
import { Semaphore } from '../semaphore.js';
import type { Found, NewSession, PartInfo, PartPosition, Session, Store, Stored, Watch } from '../store.js';
import type { Watches } from '../watches.js';
import type { Connection, scripts } from './connection.js';
import { pieces } from './pieces.js';
import * as replies from './replies.js';
import type { ScriptArgument } from './scripts/script.js';

/**
 * Pieces on their way at a time. The rest of what this process holds waits for its turn and is not yet with the client, so that its time
 * limit measures Redis and not their number.
 */
const PIECES = 16;

interface RedisStoreOptions {
	clock: Clock;
	/** Begins every key, and the name of the channel. */
	prefix: string;
	/** How long an upload lives without a piece, in ms. */
	uploadMs: number;
	/**
	 * Uploads under way at a time: of one session (`too_many_requests` beyond it), and in this process (`unavailable`). As many
	 * downloads, of which each process counts its own.
	 */
	uploadsPerSession: number;
	uploads: number;
	/** For all that is small, and for octets, so that the one does not wait for the other. */
	commands: Connection;
	octets: Connection;
	/** Who listens to the channel wakes these. */
	watches: Watches;
	/** Rejects unless changes are heard of, too. */
	listening: () => Promise<unknown>;
}

export class RedisStore implements Store {
	#turns = new Semaphore(PIECES);
	#uploads: Admission;
	#downloads: Admission;

	constructor(private readonly options: RedisStoreOptions) {
		const { uploads, uploadsPerSession } = options;
		this.#uploads = new Admission({ most: uploads });
		this.#downloads = new Admission({ most: uploads, mostOfOne: uploadsPerSession });
	}

	/** Deletes what is not there: one that has become a replica refuses that, one that is full does not. */
	async ready(): Promise<void> {
		const { commands, prefix, listening } = this.options;
		await Promise.all([commands.run((client) => client.unlink(`${prefix}:ready`)), listening()]);
	}

	/** How much memory there is, Redis alone knows. */
	async free(): Promise<null> {
		return null;
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
		const leave = this.#uploads.enter(sid);
		try {
			return await this.#upload(sid, part, body);
		} finally {
			leave();
		}
	}

	async listParts(sid: string): Promise<PartInfo[]> {
		const reply = await this.#run('listParts', sid);
		replies.outcome(reply);
		return replies.parts(reply);
	}

	async readPart(sid: string, position: PartPosition): Promise<PartInfo & { body: ReadableStream<Uint8Array> }> {
		const name = `${position.bid}.${position.n}`;
		const over = this.#downloads.enter(sid);
		try {
			const reply = await this.#run('readPart', sid, [name]);
			replies.outcome(reply);
			const part = replies.part(reply, position);
			const key = `${this.#key(sid)}:part:${name}`;
			const read = (from: number, length: number) =>
				this.#turns.run(() =>
					this.options.octets.run((client) =>
						client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).getRange(key, from, from + length - 1),
					),
				);
			return { ...part, body: await streamOf(this.options.clock, { bytes: part.bytes, read, over }) };
		} catch (cause) {
			over();
			throw cause;
		}
	}

	async putManifest(sid: string, manifest: string): Promise<Stored> {
		return storedAs(replies.outcome(await this.#run('putManifest', sid, [manifest], this.options.octets)));
	}

	async readManifest(sid: string): Promise<string | null> {
		const reply = await this.#run('readManifest', sid, [], this.options.octets);
		replies.outcome(reply);
		return replies.text(reply);
	}

	watch(sid: string): Watch {
		return this.options.watches.watch(sid);
	}

	async remove(sid: string): Promise<void> {
		replies.outcome(await this.#run('remove', sid));
	}

	async #upload(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored> {
		const { uploadMs, uploadsPerSession, octets } = this.options;
		const nonce = randomBytes(12).toString('base64url');
		const upload = [part.bid, part.n, part.bytes, part.digest, nonce].join('.');
		const begun = replies.outcome(await this.#run('beginPart', sid, [upload, uploadMs, uploadsPerSession]));
		if (begun === 'repeated') {
			await drain(body, part.bytes);
			return 'repeated';
		}
		let stored: Stored | undefined;
		try {
			let at = 0;
			for await (const piece of pieces(body, part.bytes, () => this.#uploads.count, uploadMs / 3)) {
				replies.outcome(
					await this.#turns.run(() => this.#run('appendPart', sid, [upload, uploadMs, at, piece], octets)),
				);
				at += piece.length;
			}
			stored = storedAs(replies.outcome(await this.#run('commitPart', sid, [upload, uploadMs])));
			return stored;
		} finally {
			// When even this fails the upload lapses.
			if (stored !== 'created') await this.#run('abandonPart', sid, [upload]).catch(() => undefined);
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
