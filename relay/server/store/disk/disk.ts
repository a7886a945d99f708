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
 * Everything is written to staging, synced and renamed: a process that dies leaves a thing whole or not there.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equal } from '../../capability.js';
import { type Clock, DAY_MS } from '../../clock.js';
import { RelayError } from '../../errors.js';
import { Admission } from '../admission.js';
import { drain, streamOf } from '../parts.js';
import type { Found, NewSession, PartInfo, PartPosition, Session, Store, Stored, Watch } from '../store.js';
import { Watches } from '../watches.js';
import { openIfThere, privateDirectory, readIfThere } from './files.js';
import { FreeSpace } from './free-space.js';
import { type Hold, takeDirectory } from './in-use.js';
import { Layout, MANIFEST, RECORD } from './layout.js';
import { KeyedLock } from './lock.js';
import { Entry, partName, type SessionRecord } from './record.js';
import { Sessions } from './sessions.js';
import { type Staged, Staging } from './staging.js';
import { Sweeper } from './sweeper.js';

/** A session's record, at most: its request may have 12 KiB. */
const RECORD_BYTES = 16 * 1024;

/** A clock that is wrong by more than that was never right. */
const LEAP_MS = DAY_MS;

interface DiskStoreOptions {
	directory: string;
	/** Told what time it was when the directory was last used. */
	clock: Clock;
	/** Uploads under way at a time, and as many downloads: of one session (`too_many_requests` beyond it), and of all (`unavailable`). */
	uploadsPerSession: number;
	uploads: number;
	/**
	 * Octets that stay free on the disk: `unavailable` for a session or a part that would leave less. Claims and manifests are small and
	 * may use them, so that what has been uploaded can be delivered, and then deleted.
	 */
	minFreeBytes: number;
	/** Told when a sweep failed; the next one tries again. */
	onSweepError?: (thrown: unknown) => void;
}

/**
 * Has the directory for itself until the store is closed.
 * @throws {InUseError} when another store has it; a system error when it cannot be used
 */
export async function openDiskStore(options: DiskStoreOptions): Promise<DiskStore> {
	const { directory, clock } = options;
	await privateDirectory(directory);
	const hold = await takeDirectory(directory);
	try {
		const layout = new Layout(directory);
		await layout.make();
		const mark = await layout.loadMark();
		if (mark !== null && mark > clock.now() + LEAP_MS) await layout.empty();
		else if (mark !== null) clock.atLeast(mark);
		const store = new DiskStore(options, layout, hold);
		await store.open();
		return store;
	} catch (cause) {
		await hold.free();
		throw cause;
	}
}

export class DiskStore implements Store {
	#watches = new Watches();
	#placing = new KeyedLock();
	#staging: Staging;
	#sessions: Sessions;
	#sweeper: Sweeper;
	#space: FreeSpace;
	#uploads: Admission;
	#downloads: Admission;
	#closing: Promise<void> | undefined;

	constructor(
		private readonly options: DiskStoreOptions,
		private readonly layout: Layout,
		private readonly hold: Hold,
	) {
		const { directory, clock, uploads, uploadsPerSession, minFreeBytes, onSweepError = () => undefined } = options;
		const staging = new Staging(layout.staging);
		const sessions = new Sessions(layout, staging, this.#watches, clock);
		this.#staging = staging;
		this.#sessions = sessions;
		this.#sweeper = new Sweeper({ layout, staging, sessions, clock, held: hold.check, onError: onSweepError });
		this.#space = new FreeSpace(directory, minFreeBytes, clock);
		this.#uploads = new Admission({ most: uploads, mostOfOne: uploadsPerSession });
		this.#downloads = new Admission({ most: uploads, mostOfOne: uploadsPerSession });
	}

	/** Reads the index back, finishes deletions that were begun, and starts sweeping. */
	async open(): Promise<void> {
		await this.#sessions.load();
		await this.#sweeper.start();
	}

	/** Stops sweeping. What is under way may still finish. */
	close(): Promise<void> {
		this.#closing ??= this.#sweeper.stop().then(() => this.hold.free());
		return this.#closing;
	}

	/** Deletes what is over now. */
	sweep(): Promise<void> {
		return this.#sweeper.sweep();
	}

	async ready(): Promise<void> {
		await this.hold.check();
		await this.#staging.probe();
	}

	async free(): Promise<number> {
		return Math.max(await this.#space.left(), 0);
	}

	create(sid: string, asked: NewSession): Promise<{ stored: Stored; session: Session }> {
		return this.#sessions.alone(sid, async (found) => {
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
			await this.#space.within(RECORD_BYTES, async () => {
				await privateDirectory(this.layout.session(sid));
				await this.#staging.replace(this.layout.session(sid), RECORD, JSON.stringify(record));
				await this.#staging.sync(this.layout.sessions);
			});
			this.#sessions.add(sid, entry);
			return { stored: 'created', session: entry.view() };
		});
	}

	find(sid: string): Promise<Found | null> {
		return this.#sessions.find(sid);
	}

	claim(sid: string, ownerHash: string): Promise<Stored> {
		return this.#sessions.exclusively(sid, async (entry) => {
			const owner = entry.record.ownerHash;
			if (owner && equal(owner, ownerHash)) return 'repeated';
			if (owner) throw new RelayError('already_claimed');
			const record = { ...entry.record, ownerHash };
			await this.#staging.replace(this.layout.session(sid), RECORD, JSON.stringify(record));
			entry.record = record;
			this.#watches.wake(sid);
			return 'created';
		});
	}

	async putPart(sid: string, part: PartInfo, body: AsyncIterable<Uint8Array>): Promise<Stored> {
		const entry = await this.#sessions.live(sid);
		const known = entry.check(part) === 'repeated';
		const leave = this.#uploads.enter(sid);
		let release: () => void = () => undefined;
		try {
			if (known) {
				await drain(body, part.bytes);
				return 'repeated';
			}
			release = entry.reserve(part);
			return await this.#space.within(part.bytes, async () => {
				const staged = await this.#staging.write(body, part.bytes);
				try {
					return await this.#place(sid, part, staged);
				} finally {
					await staged.discard();
				}
			});
		} finally {
			release();
			leave();
		}
	}

	async listParts(sid: string): Promise<PartInfo[]> {
		return (await this.#sessions.live(sid)).parts();
	}

	async readPart(sid: string, position: PartPosition): Promise<PartInfo & { body: ReadableStream<Uint8Array> }> {
		const part = (await this.#sessions.live(sid)).part(position);
		if (!part) throw new RelayError('part_not_found');
		const leave = this.#downloads.enter(sid);
		try {
			const file = await openIfThere(join(this.layout.session(sid), partName(part)));
			// It may have ended meanwhile.
			if (!file) await this.#sessions.live(sid);
			if (!file) throw new RelayError('part_not_found');
			const read = async (from: number, length: number) => {
				const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, from);
				return buffer.subarray(0, bytesRead);
			};
			const outgoing = { bytes: part.bytes, read, close: () => file.close(), over: leave };
			return { ...part, body: await streamOf(this.options.clock, outgoing) };
		} catch (cause) {
			leave();
			throw cause;
		}
	}

	putManifest(sid: string, manifest: string): Promise<Stored> {
		return this.#sessions.exclusively(sid, async (entry) => {
			if (!entry.record.ownerHash) throw new RelayError('not_claimed');
			if (entry.sent) {
				if ((await this.#manifestOf(sid)) === manifest) return 'repeated';
				throw new RelayError('already_sent');
			}
			await this.#staging.replace(this.layout.session(sid), MANIFEST, manifest);
			entry.sent = true;
			this.#watches.wake(sid);
			return 'created';
		});
	}

	async readManifest(sid: string): Promise<string | null> {
		return (await this.#sessions.live(sid)).sent ? this.#manifestOf(sid) : null;
	}

	watch(sid: string): Watch {
		return this.#watches.watch(sid);
	}

	remove(sid: string): Promise<void> {
		return this.#sessions.exclusively(sid, (entry) => this.#sessions.bury(sid, entry));
	}

	#manifestOf(sid: string): Promise<string | null> {
		return readIfThere(join(this.layout.session(sid), MANIFEST));
	}

	/**
	 * One upload of a part at a time. The session is not locked while the name gets to the disk, so that parts which arrive together
	 * share that; the part is visible, and acknowledged, afterwards.
	 */
	#place(sid: string, part: PartInfo, staged: Staged): Promise<Stored> {
		const directory = this.layout.session(sid);
		return this.#placing.run(join(sid, part.bid, String(part.n)), async (): Promise<Stored> => {
			const known = await this.#sessions.exclusively(sid, async (entry) => {
				if (entry.check(part) === 'repeated') return true;
				await staged.place(directory, partName(part));
				return false;
			});
			if (known) return 'repeated';
			try {
				await this.#staging.sync(directory);
				return await this.#sessions.exclusively(sid, async (entry): Promise<Stored> => {
					entry.check(part);
					entry.add(part);
					this.#watches.wake(sid);
					return 'created';
				});
			} catch (cause) {
				await rm(join(directory, partName(part)), { force: true });
				// That the session has ended says more than that its directory is not there.
				await this.#sessions.live(sid);
				throw cause;
			}
		});
	}
}
