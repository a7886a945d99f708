/**
 * Who may refresh, repair or remove a connection: one at a time, in whichever tab or worker.
 *
 * The Web Lock is what counts; it is freed when its holder dies. A holder that neither ends nor dies would lock the connection
 * for ever, so whoever refreshes writes a lease beside its intent, in the same transaction. A lock that cannot be had in time
 * is stolen, but only where no lease runs and nobody keeps an answer that is not on disk; and since a holder that lost its lock
 * is not stopped by that, everything it writes afterwards is compared with what is there (`changeLeased`).
 */
import { BrokerError } from '../errors.js';
import { type Connection, connectionKey } from './connections.js';
import type { RowKey } from './db.js';
import { type Change, commit, read, retried } from './rows.js';
import { isUnsaved, written } from './unsaved.js';

export interface Lease {
	/** Random, one for each refresh. */
	holder: string;
	/** When it may be taken for stuck. */
	until: number;
}

/** Longer than a refresh can last: an assertion from the relay, the request, and finding out why it failed. */
export const LEASE_MS = 90_000;
/** How long to wait for somebody else. */
const LOCK_TIMEOUT_MS = 90_000;

const leaseKey = (id: string): RowKey => ['lease', id];
const lockName = (id: string) => `refresh ${id}`;
/** Held beside it by whoever keeps an answer in memory alone: that is no holder who is stuck, however long it lasts. */
const keptName = (id: string) => `kept ${id}`;

/** Locks that this worker keeps although nobody works, with the end of what runs under them. */
const kept = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while nobody else refreshes, repairs or removes the connection. The lock stays taken as long as an answer
 * lives in this worker's memory alone, because another worker would present the token that it replaced; in this worker, one
 * after the other goes on under it.
 * @throws {BrokerError} `timeout` where it could not be had; and what `work` throws
 */
export async function locked<T>(id: string, work: () => Promise<T>): Promise<T> {
	const before = kept.get(id);
	if (before) {
		const mine = before.then(work, work);
		kept.set(id, mine);
		return mine;
	}
	const signal = AbortSignal.timeout(LOCK_TIMEOUT_MS);
	try {
		return await holding(id, { signal }, work);
	} catch (error) {
		if (error !== signal.reason) throw error;
		return takeOver(id, work);
	}
}

/** As `locks.request`, but answers when `work` ends; the lock may be held for longer. */
function holding<T>(id: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
	return new Promise<T>((resolve, reject) => {
		let begun = false;
		const held = navigator.locks.request(lockName(id), options, async () => {
			begun = true;
			const ended = work();
			await ended.then(nothing, nothing);
			// Before the answer: whoever gets it may ask for the lock again at once.
			const free = keepLock(id);
			ended.then(resolve, reject);
			await free;
		});
		// A lock that was lost does not stop `work`, whose answer still counts: it compares before it writes.
		held.catch((error) => begun || reject(error));
	});
}

/** Resolves when the lock may go. */
async function keepLock(id: string): Promise<void> {
	if (!isUnsaved(id)) return;
	kept.set(id, Promise.resolve());
	// Shared, as a holder that was late may keep an answer as well.
	await navigator.locks.request(keptName(id), { mode: 'shared' }, async () => {
		for (let last: Promise<unknown> | undefined; kept.get(id) !== last || isUnsaved(id); ) {
			await written(id);
			last = kept.get(id);
			await last?.then(nothing, nothing);
		}
		kept.delete(id);
	});
}

const nothing = () => {};

/** One thief at a time, so that none steals from another. */
function takeOver<T>(id: string, work: () => Promise<T>): Promise<T> {
	return navigator.locks.request(`steal ${id}`, { ifAvailable: true }, async (only) => {
		const keeps = () => navigator.locks.request(keptName(id), { ifAvailable: true }, (lock) => !lock);
		if (!only || isRunning(await currentLease(id), Date.now()) || (await keeps())) throw new BrokerError('timeout');
		return holding(id, { steal: true }, work);
	});
}

/** A lease that ends later than any could is of a clock that was wrong. */
function isRunning(lease: Lease | undefined, now: number): boolean {
	return lease !== undefined && lease.until > now && lease.until <= now + LEASE_MS;
}

export async function currentLease(id: string): Promise<Lease | undefined> {
	return (await read<Lease>(leaseKey(id)))?.value;
}

/**
 * Changes a connection and its lease in one transaction. `decide` may run more than once; it answers both (no lease: it ends), or
 * undefined to leave both as they are.
 * @returns the connection afterwards; undefined if it is gone, and then nothing is written
 */
export function changeLeased(
	id: string,
	decide: (connection: Connection, lease: Lease | undefined) => { connection: Connection; lease?: Lease } | undefined,
): Promise<Connection | undefined> {
	return retried(async () => {
		const [row, lease] = [await read<Connection>(connectionKey(id)), await read<Lease>(leaseKey(id))];
		if (!row) return undefined;
		const decided = decide(row.value, lease?.value);
		if (!decided) return row.value;
		const expect = lease?.revision ?? 0;
		const changes: Change[] = [{ key: connectionKey(id), expect: row.revision, value: decided.connection }];
		if (decided.lease) changes.push({ key: leaseKey(id), expect, value: decided.lease });
		else if (lease) changes.push({ key: leaseKey(id), expect, remove: true });
		await commit(changes);
		return decided.connection;
	});
}
