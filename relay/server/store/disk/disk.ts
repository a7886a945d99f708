/**
 * The embedded store: plain files, one process, no service beside it.
 *
 *     sessions/<sid>/session.json             hashes, times, limits
 *     sessions/<sid>/<bid>.<n>.<SHA-256>      one sealed part
 *     sessions/<sid>/manifest                 its being there makes the session sent
 *     gone/<sid>.json                         token hashes of an ended session, for a day
 *     staging/                                what is being written; emptied on start
 *     clock.json                              how far time had come
 *     in-use.<random>                         the socket of the process that has the directory
 *
 * Everything is written to staging, synced and renamed: a process that dies leaves a thing whole or not there. An
 * index of all that is kept is in memory; a lock a session makes operations atomic within the process.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equal } from '../../capability.js';
import type { Clock } from '../../clock.js';
import { RelayError } from '../../errors.js';
import type { Found, NewSession, PartInfo, PartPosition, Session, Store, Stored, Watch } from '../store.js';
import { TOMBSTONE_MS } from '../store.js';
import { Watches } from '../watches.js';
import { fileStream, namesIn, privateDirectory, readIfThere } from './files.js';
import { FreeSpace } from './free-space.js';
import { takeDirectory } from './in-use.js';
import { CLOCK, Layout, MANIFEST, RECORD } from './layout.js';
import { KeyedLock } from './lock.js';
import { Entry, partName, type SessionRecord, type Tombstone } from './record.js';
import { type Staged, Staging } from './staging.js';

const SWEEP_MS = 60_000;

/** A session's record, at most: its request may have 12 KiB. */
const RECORD_BYTES = 16 * 1024;

/** A clock that is wrong by more than that was never right. */
const LEAP_MS = 24 * 3600 * 1000;

/** How long a disk that could be written is taken to be one. */
const READY_MS = 5000;

/** Seconds after which some of all uploads will have ended. */
const RETRY_AFTER = 5;

export interface DiskStoreOptions {
	directory: string;
	/** Told what time it was when the directory was last used. */
	clock: Clock;
	/** Uploads under way at a time: of one session (`too_many_requests` beyond it), and of all (`unavailable`). */
	uploadsPerSession?: number;
	uploads?: number;
	/** Octets that stay free on the disk: `unavailable` for whatever would leave less. Reading and deleting go on. */
	minFreeBytes?: number;
	/** Told when a sweep failed; the next one tries again. */
	onSweepError?: (thrown: unknown) => void;
}

/**
 * Has the directory for itself until the store is closed.
 * @throws {InUseError} when another store has it; a system error when it cannot be used
 */
export async function openDiskStore(options: DiskStoreOptions): Promise<Store> {
	const store = new DiskStore(options);
	await store.open();
	return store;
}

class DiskStore implements Store {
	#entries = new Map<string, Entry>();
	#gone = new Map<string, Tombstone>();
	#locks = new KeyedLock();
	#watches = new Watches();
	#layout: Layout;
	#staging: Staging;
	#space: FreeSpace;
	#clock: Clock;
	#uploads = 0;
	#readyUntil = 0;
	#sweeping: Promise<void> = Promise.resolve();
	#cancelSweep: () => void = () => undefined;
	#release: () => Promise<void> = async () => undefined;
	#closing: Promise<void> | undefined;

	constructor(private readonly options: DiskStoreOptions) {
		this.#clock = options.clock;
		this.#layout = new Layout(options.directory);
		this.#staging = new Staging(this.#layout.staging);
		this.#space = new FreeSpace(options.directory, options.minFreeBytes ?? 0, options.clock);
	}

	async open(): Promise<void> {
		await privateDirectory(this.options.directory);
		this.#release = await takeDirectory(this.options.directory);
		try {
			await this.#load();
		} catch (cause) {
			await this.#release();
			throw cause;
		}
	}

	/** Reads the index back, finishes deletions that were begun, and starts sweeping. */
	async #load(): Promise<void> {
		await this.#layout.make();
		const mark = await this.#layout.loadMark();
		if (mark !== null && mark > this.#clock.now() + LEAP_MS) await this.#layout.empty();
		else if (mark !== null) this.#clock.atLeast(mark);
		this.#gone = await this.#layout.loadGone();
		this.#entries = await this.#layout.loadSessions(this.#gone);
		await this.#sweepOn();
	}

	async ready(): Promise<void> {
		const now = this.#clock.now();
		if (now < this.#readyUntil) return;
		const release = await this.#space.take(0);
		release();
		await this.#staging.probe();
		this.#readyUntil = now + READY_MS;
	}

	create(sid: string, asked: NewSession): Promise<{ stored: Stored; session: Session }> {
		return this.#locks.run(sid, async () => {
			const found = await this.#find(sid);
			if (found?.kind === 'gone') {
				const same = equal(found.hashes.readHash, asked.readHash) && equal(found.hashes.writeHash, asked.writeHash);
				throw new RelayError(same ? 'session_gone' : 'already_exists');
			}
			if (found) {
				if (!equal(found.session.fingerprint, asked.fingerprint)) throw new RelayError('already_exists');
				return { stored: 'repeated', session: found.session };
			}
			const record: SessionRecord = { v: 1, ownerHash: null, ...asked };
			const entry = new Entry(record, false);
			await this.#withRoom(RECORD_BYTES, async () => {
				await privateDirectory(this.#layout.session(sid));
				await this.#staging.replace(this.#layout.session(sid), RECORD, JSON.stringify(record));
				await this.#staging.sync(this.#layout.sessions);
			});
			this.#entries.set(sid, entry);
			return { stored: 'created', session: entry.view() };
		});
	}

	find(sid: string): Promise<Found | null> {
		const entry = this.#entries.get(sid);
		if (entry && !this.#expired(entry)) return Promise.resolve({ kind: 'live', session: entry.view() });
		return this.#locks.run(sid, () => this.#find(sid));
	}

	claim(sid: string, ownerHash: string): Promise<Stored> {
		return this.#exclusively(sid, async (entry) => {
			const owner = entry.record.ownerHash;
			if (owner && equal(owner, ownerHash)) return 'repeated';
			if (owner) throw new RelayError('already_claimed');
			const record = { ...entry.record, ownerHash };
			await this.#staging.replace(this.#layout.session(sid), RECORD, JSON.stringify(record));
			entry.record = record;
			this.#watches.wake(sid);
			return 'created';
		});
	}

	async putPart(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored> {
		const entry = await this.#live(sid);
		const known = entry.check(part) === 'repeated';
		const release = this.#admit(entry, part);
		try {
			if (known) {
				await drain(body, part.bytes);
				return 'repeated';
			}
			return await this.#withRoom(part.bytes, async () => {
				const staged = await this.#staging.write(body, part.bytes);
				try {
					return await this.#place(sid, part, staged);
				} finally {
					await staged.discard();
				}
			});
		} finally {
			release();
		}
	}

	async listParts(sid: string): Promise<PartInfo[]> {
		return (await this.#live(sid)).parts();
	}

	async readPart(sid: string, position: PartPosition): Promise<PartInfo & { body: ReadableStream<Uint8Array> }> {
		const part = (await this.#live(sid)).part(position);
		if (!part) throw new RelayError('part_not_found');
		return { ...part, body: fileStream(join(this.#layout.session(sid), partName(part))) };
	}

	putManifest(sid: string, manifest: string): Promise<Stored> {
		return this.#exclusively(sid, async (entry) => {
			if (!entry.record.ownerHash) throw new RelayError('not_claimed');
			if (entry.sent) {
				if ((await readIfThere(join(this.#layout.session(sid), MANIFEST))) === manifest) return 'repeated';
				throw new RelayError('already_sent');
			}
			await this.#withRoom(Buffer.byteLength(manifest), () =>
				this.#staging.replace(this.#layout.session(sid), MANIFEST, manifest),
			);
			entry.sent = true;
			this.#watches.wake(sid);
			return 'created';
		});
	}

	async readManifest(sid: string): Promise<string | null> {
		const entry = await this.#live(sid);
		return entry.sent ? readIfThere(join(this.#layout.session(sid), MANIFEST)) : null;
	}

	watch(sid: string): Watch {
		return this.#watches.watch(sid);
	}

	remove(sid: string): Promise<void> {
		return this.#exclusively(sid, (entry) => this.#bury(sid, entry));
	}

	async sweep(): Promise<void> {
		const failures: unknown[] = [];
		/** What cannot be deleted does not keep the rest from being. */
		const attempt = (task: () => Promise<unknown>) => task().catch((cause: unknown) => failures.push(cause));
		await attempt(() => this.#mark());
		for (const [sid, entry] of [...this.#entries]) {
			if (this.#expired(entry)) await attempt(() => this.find(sid));
		}
		for (const [sid, { until }] of [...this.#gone]) {
			if (this.#clock.now() < until) continue;
			await attempt(async () => {
				await rm(join(this.#layout.gone, this.#layout.tombstone(sid)), { force: true });
				this.#gone.delete(sid);
			});
		}
		// Leftovers: a deletion that failed half-way or was cut short, a creation that never got its record, uploads of a dead process.
		await attempt(async () => {
			for (const sid of await namesIn(this.#layout.sessions)) await attempt(() => this.#removeLeftover(sid));
		});
		await attempt(() => this.#staging.clear());
		if (failures.length > 0) throw failures[0];
	}

	close(): Promise<void> {
		this.#closing ??= (async () => {
			this.#cancelSweep();
			await this.#sweeping;
			await this.#mark().catch((cause: unknown) => this.options.onSweepError?.(cause));
			await this.#release();
		})();
		return this.#closing;
	}

	/** Sweeps now and once a minute until the store is closed; never rejects. */
	#sweepOn(): Promise<void> {
		this.#sweeping = this.sweep()
			.catch((thrown: unknown) => this.options.onSweepError?.(thrown))
			.finally(() => {
				if (!this.#closing) this.#cancelSweep = this.#clock.after(SWEEP_MS, () => void this.#sweepOn());
			});
		return this.#sweeping;
	}

	/** So that a clock that was set back does not make sessions live longer across a restart. */
	#mark(): Promise<void> {
		return this.#staging.replace(this.#layout.directory, CLOCK, JSON.stringify({ v: 1, time: this.#clock.now() }));
	}

	#removeLeftover(sid: string): Promise<void> {
		return this.#locks.run(sid, async () => {
			if (!this.#entries.has(sid)) await rm(this.#layout.session(sid), { recursive: true, force: true });
		});
	}

	/** @throws {RelayError} `too_large`, `too_many_requests`, `unavailable` */
	#admit(entry: Entry, part: PartInfo): () => void {
		const { uploadsPerSession = 16, uploads = 2048 } = this.options;
		const release = entry.reserve(part, uploadsPerSession);
		if (this.#uploads >= uploads) {
			release();
			throw new RelayError('unavailable', { retryAfter: RETRY_AFTER });
		}
		this.#uploads++;
		return () => {
			this.#uploads--;
			release();
		};
	}

	/** @throws {RelayError} `unavailable` when the disk has no room for that many octets */
	async #withRoom<T>(bytes: number, task: () => Promise<T>): Promise<T> {
		const release = await this.#space.take(bytes);
		try {
			return await task();
		} finally {
			release();
		}
	}

	/**
	 * One upload of a part at a time. The session is not locked while the name gets to the disk, so that parts which arrive together
	 * share that; the part is visible, and acknowledged, afterwards.
	 */
	#place(sid: string, part: PartInfo, staged: Staged): Promise<Stored> {
		const directory = this.#layout.session(sid);
		return this.#locks.run(join(sid, part.bid, String(part.n)), async (): Promise<Stored> => {
			const known = await this.#exclusively(sid, async (entry) => {
				if (entry.check(part) === 'repeated') return true;
				await staged.place(directory, partName(part));
				return false;
			});
			if (known) return 'repeated';
			try {
				await this.#staging.sync(directory);
				return await this.#exclusively(sid, async (entry): Promise<Stored> => {
					entry.check(part);
					entry.add(part);
					this.#watches.wake(sid);
					return 'created';
				});
			} catch (cause) {
				await rm(join(directory, partName(part)), { force: true });
				// That the session has ended says more than that its directory is not there.
				await this.#live(sid);
				throw cause;
			}
		});
	}

	/** Under the session's lock. */
	async #find(sid: string): Promise<Found | null> {
		const entry = this.#entries.get(sid);
		if (entry && !this.#expired(entry)) return { kind: 'live', session: entry.view() };
		if (entry) await this.#bury(sid, entry);
		const tombstone = this.#gone.get(sid);
		if (!tombstone || this.#clock.now() >= tombstone.until) return null;
		const { readHash, writeHash, ownerHash } = tombstone;
		return { kind: 'gone', hashes: { readHash, writeHash, ownerHash } };
	}

	async #live(sid: string): Promise<Entry> {
		const found = await this.find(sid);
		const entry = this.#entries.get(sid);
		if (!found) throw new RelayError('session_not_found');
		if (found.kind === 'gone' || !entry) throw new RelayError('session_gone');
		return entry;
	}

	#exclusively<T>(sid: string, task: (entry: Entry) => Promise<T>): Promise<T> {
		return this.#locks.run(sid, async () => {
			const found = await this.#find(sid);
			const entry = this.#entries.get(sid);
			if (!found) throw new RelayError('session_not_found');
			if (found.kind === 'gone' || !entry) throw new RelayError('session_gone');
			return task(entry);
		});
	}

	/**
	 * Under the session's lock. The tombstone comes first: from then on the session has ended, also after a crash. On a
	 * full disk it may be impossible to write; the data goes anyway and the tombstone is tried again in the room it left.
	 */
	async #bury(sid: string, entry: Entry): Promise<void> {
		const { readHash, writeHash, ownerHash, expiresAt } = entry.record;
		const until = Math.min(this.#clock.now(), expiresAt) + TOMBSTONE_MS;
		const tombstone: Tombstone = { v: 1, readHash, writeHash, ownerHash, until };
		const write = () =>
			this.#staging.replace(this.#layout.gone, this.#layout.tombstone(sid), JSON.stringify(tombstone));
		const written = await write().then(
			() => true,
			() => false,
		);
		this.#entries.delete(sid);
		this.#gone.set(sid, tombstone);
		this.#watches.wake(sid);
		await rm(this.#layout.session(sid), { recursive: true, force: true });
		if (!written) await write();
	}

	#expired(entry: Entry): boolean {
		return this.#clock.now() >= entry.record.expiresAt;
	}
}

async function drain(body: AsyncIterable<Uint8Array>, bytes: number): Promise<void> {
	let read = 0;
	for await (const chunk of body) {
		read += chunk.length;
		if (read > bytes) break;
	}
	if (read !== bytes) throw new RelayError('bad_request');
}
