/**
 * The sessions of a directory: those that live, those that have ended, and how the one becomes the other. What is on disk is
 * the truth; an index of it is in memory. A lock a session makes operations atomic within the process.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.js';
import { RelayError } from '../../errors.js';
import type { Found } from '../store.js';
import { TOMBSTONE_MS } from '../store.js';
import type { Watches } from '../watches.js';
import type { Layout } from './layout.js';
import { KeyedLock } from './lock.js';
import type { Entry, Tombstone } from './record.js';
import type { Staging } from './staging.js';

export class Sessions {
	#entries = new Map<string, Entry>();
	#gone = new Map<string, Tombstone>();
	#locks = new KeyedLock();

	constructor(
		private readonly layout: Layout,
		private readonly staging: Staging,
		private readonly watches: Watches,
		private readonly clock: Clock,
	) {}

	async load(): Promise<void> {
		this.#gone = await this.layout.loadGone();
		this.#entries = await this.layout.loadSessions(this.#gone);
	}

	find(sid: string): Promise<Found | null> {
		const entry = this.#entries.get(sid);
		if (entry && !this.#isOver(entry)) return Promise.resolve({ kind: 'live', session: entry.view() });
		return this.alone(sid, async (found) => found);
	}

	/** @throws {RelayError} `session_not_found`, `session_gone` */
	async live(sid: string): Promise<Entry> {
		return this.#entryOf(sid, await this.find(sid));
	}

	/** Nothing else happens to that session meanwhile. */
	alone<T>(sid: string, task: (found: Found | null) => Promise<T>): Promise<T> {
		return this.#locks.run(sid, async () => task(await this.#find(sid)));
	}

	/** The same with a session that lives. @throws {RelayError} `session_not_found`, `session_gone` */
	exclusively<T>(sid: string, task: (entry: Entry) => Promise<T>): Promise<T> {
		return this.alone(sid, (found) => task(this.#entryOf(sid, found)));
	}

	/** Alone with it. Its record is on the disk. */
	add(sid: string, entry: Entry): void {
		this.#entries.set(sid, entry);
	}

	/**
	 * Alone with it. The tombstone comes first: from then on the session has ended, also after a crash. On a full disk it may be
	 * impossible to write; the data goes anyway and the tombstone is tried again in the room it left. Where neither can be
	 * done, as on a disk that has become read-only, the session has not ended.
	 */
	async bury(sid: string, entry: Entry): Promise<void> {
		const { readHash, writeHash, ownerHash, expiresAt } = entry.record;
		const until = Math.min(this.clock.now(), expiresAt) + TOMBSTONE_MS;
		const tombstone: Tombstone = { v: 1, readHash, writeHash, ownerHash, until };
		const write = () => this.staging.replace(this.layout.gone, this.layout.tombstone(sid), JSON.stringify(tombstone));
		const written = await write().then(
			() => true,
			() => false,
		);
		this.#entries.delete(sid);
		this.#gone.set(sid, tombstone);
		this.watches.wake(sid);
		try {
			await rm(this.layout.session(sid), { recursive: true, force: true });
		} catch (cause) {
			if (!written) {
				this.#entries.set(sid, entry);
				this.#gone.delete(sid);
			}
			throw cause;
		}
		if (!written) await write();
	}

	/** Ends what is over, and forgets what has ended a day ago: one task each. */
	*overdue(): Generator<() => Promise<unknown>> {
		for (const [sid, entry] of [...this.#entries]) {
			if (this.#isOver(entry)) yield () => this.find(sid);
		}
		for (const [sid, { until }] of [...this.#gone]) {
			if (this.clock.now() >= until) yield () => this.#forget(sid);
		}
	}

	/** Of what was left half deleted or half made. */
	removeUnlessThere(sid: string): Promise<void> {
		return this.#locks.run(sid, async () => {
			if (!this.#entries.has(sid)) await rm(this.layout.session(sid), { recursive: true, force: true });
		});
	}

	/** Under the session's lock. */
	async #find(sid: string): Promise<Found | null> {
		const entry = this.#entries.get(sid);
		if (entry && !this.#isOver(entry)) return { kind: 'live', session: entry.view() };
		if (entry) await this.bury(sid, entry);
		const tombstone = this.#gone.get(sid);
		if (!tombstone || this.clock.now() >= tombstone.until) return null;
		const { readHash, writeHash, ownerHash } = tombstone;
		return { kind: 'gone', hashes: { readHash, writeHash, ownerHash } };
	}

	#entryOf(sid: string, found: Found | null): Entry {
		if (!found) throw new RelayError('session_not_found');
		const entry = this.#entries.get(sid);
		if (found.kind === 'gone' || !entry) throw new RelayError('session_gone');
		return entry;
	}

	async #forget(sid: string): Promise<void> {
		await rm(join(this.layout.gone, this.layout.tombstone(sid)), { force: true });
		this.#gone.delete(sid);
	}

	#isOver(entry: Entry): boolean {
		return this.clock.now() >= entry.record.expiresAt;
	}
}
