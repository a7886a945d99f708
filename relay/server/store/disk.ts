/**
 * The embedded store: plain files, one process, no service beside it.
 *
 *     sessions/<sid>/session.json             hashes, times, limits
 *     sessions/<sid>/<bid>.<n>.<SHA-256>      one sealed part
 *     sessions/<sid>/manifest                 its being there makes the session sent
 *     gone/<sid>.json                         token hashes of an ended session, for a day
 *     staging/                                what is being written; emptied on start
 *
 * Everything is written to staging, synced and renamed: a process that dies leaves a thing whole or not there. An
 * index of all that is kept in memory; a lock a session makes operations atomic within the process. Two processes must
 * not share a directory: the second would not see what the first holds in memory.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equal } from '../capability.js';
import type { Clock } from '../clock.js';
import { RelayError } from '../errors.js';
import { fileStream, namesIn, privateDirectory, readIfThere, Staging, syncDirectory } from './files.js';
import { Layout, MANIFEST, RECORD } from './layout.js';
import { KeyedLock } from './lock.js';
import { Entry, partName, type SessionRecord, type Tombstone } from './record.js';
import type { Found, NewSession, PartInfo, PartPosition, Session, Store, Stored, Watch } from './store.js';
import { TOMBSTONE_MS } from './store.js';
import { Watches } from './watches.js';

const SWEEP_MS = 60_000;

export interface DiskStoreOptions {
	directory: string;
	clock: Clock;
	/** Told when a sweep failed; the next one tries again. */
	onSweepError?: (thrown: unknown) => void;
}

export async function openDiskStore(options: DiskStoreOptions): Promise<Store> {
	const store = new DiskStore(options);
	await store.load();
	return store;
}

class DiskStore implements Store {
	#entries = new Map<string, Entry>();
	#gone = new Map<string, Tombstone>();
	#locks = new KeyedLock();
	#watches = new Watches();
	#layout: Layout;
	#staging: Staging;
	#clock: Clock;
	#cancelSweep: () => void = () => undefined;
	#closed = false;

	constructor(private readonly options: DiskStoreOptions) {
		this.#clock = options.clock;
		this.#layout = new Layout(options.directory);
		this.#staging = new Staging(this.#layout.staging);
	}

	/** Reads the index back, finishes deletions that were begun, and starts sweeping. */
	async load(): Promise<void> {
		await this.#layout.make();
		await this.#staging.clear();
		this.#gone = await this.#layout.loadGone();
		this.#entries = await this.#layout.loadSessions(this.#gone);
		await this.sweep();
		this.#scheduleSweep();
	}

	async ready(): Promise<void> {
		const staged = await this.#staging.write(nothing(), 0);
		await staged.discard();
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
			await privateDirectory(this.#layout.session(sid));
			await this.#staging.replace(this.#layout.session(sid), RECORD, JSON.stringify(record));
			await syncDirectory(this.#layout.sessions);
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
		const release = entry.check(part) === 'new' ? entry.reserve(part) : null;
		if (!release) {
			await drain(body, part.bytes);
			return 'repeated';
		}
		try {
			const staged = await this.#staging.write(body, part.bytes);
			try {
				return await this.#exclusively(sid, async (now) => {
					if (now.check(part) === 'repeated') return 'repeated';
					await staged.place(this.#layout.session(sid), partName(part));
					now.add(part);
					this.#watches.wake(sid);
					return 'created';
				});
			} finally {
				await staged.discard();
			}
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
			await this.#staging.replace(this.#layout.session(sid), MANIFEST, manifest);
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
		for (const [sid, entry] of [...this.#entries]) {
			if (this.#expired(entry)) await this.find(sid);
		}
		for (const [sid, { until }] of [...this.#gone]) {
			if (this.#clock.now() < until) continue;
			await rm(join(this.#layout.gone, this.#layout.tombstone(sid)), { force: true });
			this.#gone.delete(sid);
		}
		// Leftovers: a deletion that failed half-way, a creation that never got its record.
		for (const sid of await namesIn(this.#layout.sessions)) {
			await this.#locks.run(sid, async () => {
				if (!this.#entries.has(sid)) await rm(this.#layout.session(sid), { recursive: true, force: true });
			});
		}
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#cancelSweep();
	}

	#scheduleSweep(): void {
		if (this.#closed) return;
		this.#cancelSweep = this.#clock.after(SWEEP_MS, () => {
			this.sweep()
				.catch((thrown) => this.options.onSweepError?.(thrown))
				.finally(() => this.#scheduleSweep());
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

async function* nothing(): AsyncGenerator<Uint8Array> {}
