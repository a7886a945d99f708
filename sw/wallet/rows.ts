/**
 * Sealed rows with optimistic concurrency. A row carries a revision in the clear; a change is computed and encrypted
 * outside any transaction and committed only if no other change came in between, else computed anew. So no lock is needed
 * around a read-modify-write, and nothing is awaited inside a transaction.
 */
import { promisifyRequest } from 'idb-keyval';
import { BrokerError } from '../errors.js';
import { below, currentEra, type RowKey, transact, wallet } from './db.js';
import { forgetKey, idOf, isSealed, KEY_ROW, type KeyRow, openJson, type Sealed, sealJson } from './vault.js';

/** A row as it lies on disk. */
export interface StoredRow {
	revision: number;
	sealed: Sealed;
}

export interface Row<T> {
	revision: number;
	value: T;
}

/** One change of a commit. `expect` is the revision it was computed from: 0 for a row that must not exist yet. */
export type Change =
	| { key: RowKey; expect?: number; value: unknown }
	/** The same, for a value that was made JSON at an earlier moment. */
	| { key: RowKey; expect?: number; json: string }
	| { key: RowKey; expect?: number; remove: true }
	/** Deletes all rows that begin with `below`. */
	| { below: RowKey }
	/** A row stored as it is: for what is sealed already. */
	| { key: RowKey; raw: unknown }
	/** Conditions alone: a row that must not have changed, and that nothing was cleared since `currentEra` told this. */
	| { key: RowKey; expect: number }
	| { era: number };

/** Somebody else changed a row first. */
export class Conflict extends Error {
	override name = 'Conflict';
}

export async function read<T>(key: RowKey): Promise<Row<T> | undefined> {
	const stored = await wallet('readonly', (store) => promisifyRequest<StoredRow | undefined>(store.get([...key])));
	return stored && { revision: stored.revision, value: await openJson<T>(stored.sealed, key) };
}

export async function readAll<T>(prefix: RowKey): Promise<T[]> {
	const { keys, rows } = await wallet('readonly', async (store) => {
		const range = below(prefix);
		const [keys, rows] = await Promise.all([
			promisifyRequest(store.getAllKeys(range)),
			promisifyRequest<StoredRow[]>(store.getAll(range)),
		]);
		return { keys, rows };
	});
	return Promise.all(rows.map((row, i) => openJson<T>(row.sealed, keys[i] as unknown as RowKey)));
}

/** A row that was stored as it is. */
export function readRaw<T>(key: RowKey): Promise<T | undefined> {
	return wallet('readonly', (store) => promisifyRequest<T | undefined>(store.get([...key])));
}

/** Rows that were stored as they are. */
export async function readAllRaw<T>(prefix: RowKey): Promise<{ key: RowKey; value: T }[]> {
	return wallet('readonly', async (store) => {
		const range = below(prefix);
		const [keys, values] = await Promise.all([
			promisifyRequest(store.getAllKeys(range)),
			promisifyRequest<T[]>(store.getAll(range)),
		]);
		return values.map((value, i) => ({ key: keys[i] as unknown as RowKey, value }));
	});
}

/** Everything was sealed anew since these were sealed. */
class Resealed extends Error {
	override name = 'Resealed';
}

/**
 * All changes or none, durable when it resolves.
 * @param durability as in `transact`
 * @returns the new revision of each change's row, in order (0 for what is gone or raw)
 * @throws {Conflict} and {BrokerError} `locked`, `vault_lost`; `connection_unknown` after another era
 */
export async function commit(changes: Change[], durability?: IDBTransactionDurability): Promise<number[]> {
	for (;;) {
		try {
			return await commitOnce(changes, durability);
		} catch (error) {
			if (!(error instanceof Resealed)) throw error;
		}
	}
}

async function commitOnce(changes: Change[], durability?: IDBTransactionDurability): Promise<number[]> {
	const checkEra = () => {
		if (changes.some((change) => 'era' in change && change.era !== currentEra()))
			throw new BrokerError('connection_unknown');
	};
	// Before sealing, which would make a key for the new wallet.
	checkEra();
	const sealed = await Promise.all(
		changes.map((change) => {
			if ('value' in change) return sealJson(JSON.stringify(change.value), change.key);
			return 'json' in change ? sealJson(change.json, change.key) : undefined;
		}),
	);
	const writes = changes.some((change) => !('below' in change || 'remove' in change));
	return transact(async (store) => {
		checkEra();
		const vault = writes && (await promisifyRequest<KeyRow | undefined>(store.get(KEY_ROW)));
		// Everything was cleared since this was sealed: nobody could open it, and a row without the key reads as a lost vault.
		if (writes && !vault) {
			forgetKey();
			throw new Conflict();
		}
		const current = (value: Sealed) => vault && (value.by ?? '') === idOf(vault);
		if (!sealed.every((value) => !value || current(value))) {
			forgetKey();
			throw new Resealed();
		}
		// What came sealed cannot be sealed anew here; whoever brought it starts over from what is on disk.
		if (!changes.every((change) => !('raw' in change) || !isSealed(change.raw) || current(change.raw))) {
			forgetKey();
			throw new Conflict();
		}
		const stored = await Promise.all(
			changes.map((change) =>
				'key' in change && !('raw' in change)
					? promisifyRequest<StoredRow | undefined>(store.get([...change.key]))
					: undefined,
			),
		);
		changes.forEach((change, i) => {
			if ('expect' in change && change.expect !== undefined && (stored[i]?.revision ?? 0) !== change.expect)
				throw new Conflict();
		});
		return changes.map((change, i) => {
			if ('below' in change) store.delete(below(change.below));
			else if ('remove' in change) store.delete([...change.key]);
			else if ('raw' in change) store.put(change.raw, [...change.key]);
			else if ('value' in change || 'json' in change) {
				const revision = (stored[i]?.revision ?? 0) + 1;
				store.put({ revision, sealed: sealed[i] }, [...change.key]);
				return revision;
			}
			return 0;
		});
	}, durability);
}

/** Runs `work` anew as long as somebody else's change comes in between. @throws {Conflict} after so many attempts */
export async function retried<T>(work: () => Promise<T>, attempts = Number.POSITIVE_INFINITY): Promise<T> {
	for (let left = attempts; ; left--) {
		try {
			return await work();
		} catch (error) {
			if (!(error instanceof Conflict) || left <= 1) throw error;
		}
	}
}

/**
 * Changes one row, or makes it. `change` may run more than once; it answers the new value, or undefined to leave it.
 * @param beside what is committed in the same transaction, if anything is
 * @returns the row's value afterwards; undefined if there is no such row
 */
export function upsert<T>(
	key: RowKey,
	change: (value: T | undefined) => T | undefined,
	beside: Change[] = [],
): Promise<T | undefined> {
	return retried(async () => {
		const row = await read<T>(key);
		const value = change(row?.value);
		if (value === undefined) return row?.value;
		await commit([{ key, expect: row?.revision ?? 0, value }, ...beside]);
		return value;
	});
}

/** The same for a row that is there: where there is none, nothing is written. */
export function update<T>(key: RowKey, change: (value: T) => T | undefined, beside?: Change[]): Promise<T | undefined> {
	return upsert<T>(key, (value) => (value === undefined ? undefined : change(value)), beside);
}

/**
 * Reads a row and deletes it: of two that try, one gets it. Nothing is deleted that could not be opened, so that a locked
 * wallet loses nothing.
 */
export function take<T>(key: RowKey): Promise<T | undefined> {
	return retried(async () => {
		const row = await read<T>(key);
		if (row) await commit([{ key, expect: row.revision, remove: true }]);
		return row?.value;
	});
}
