/**
 * The wallet's only store: one IndexedDB object store of rows under array keys such as `['connection', id]`, so that
 * whatever belongs together is written in one transaction. Every write is durable before it is acknowledged
 * (`durability: 'strict'`) unless the writer says otherwise, which idb-keyval alone does not offer; hence this `UseStore`.
 *
 * Never await anything but the store inside a callback: a transaction commits by itself.
 */
import { promisifyRequest, type UseStore } from 'idb-keyval';

const NAME = 'satchel';
const STORE = 'wallet';
const VERSION = 1;

let opening: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
	opening ??= new Promise<IDBDatabase>((resolve, reject) => {
		const request = indexedDB.open(NAME, VERSION);
		request.onupgradeneeded = () => request.result.createObjectStore(STORE);
		request.onerror = () => reject(request.error);
		request.onsuccess = () => {
			const db = request.result;
			// The browser may close it (storage pressure, a newer version, "clear site data"): open anew next time.
			db.onclose = () => forget();
			db.onversionchange = ({ newVersion }) => {
				db.close();
				forget(newVersion === null);
			};
			resolve(db);
		};
	}).catch((error) => {
		forget();
		throw error;
	});
	return opening;
}

/** Told when the database may be gone, and with it everything that was read from it. `deleted`: it is. */
let forgotten: (deleted: boolean) => void = () => {};

export function onForget(listener: (deleted: boolean) => void): void {
	forgotten = listener;
}

let era = 0;

/** Another one begins when everything is deleted: what began before must not begin a new wallet (`Change`). */
export function currentEra(): number {
	return era;
}

/** What began is to come to nothing, also while the database is still there. */
export function endEra(): void {
	era++;
}

function forget(deleted = false): void {
	opening = undefined;
	if (deleted) endEra();
	forgotten(deleted);
}

/** idb-keyval's store, with strict durability and one retry on a connection that was lost. */
export const wallet: UseStore = (mode, callback) => inStore(mode, callback, 'strict');

async function inStore<T>(
	mode: IDBTransactionMode,
	callback: (store: IDBObjectStore) => T | PromiseLike<T>,
	durability: IDBTransactionDurability,
): Promise<T> {
	const transact = async () => callback((await open()).transaction(STORE, mode, { durability }).objectStore(STORE));
	try {
		return await transact();
	} catch (error) {
		if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
		forget();
		return transact();
	}
}

/** A row's key: its kind, then whatever tells it apart. */
export type RowKey = readonly [kind: string, ...rest: (string | number)[]];

/** All keys that begin with `prefix`: an array sorts after every string and number, so `[]` ends the range. */
export function below(prefix: RowKey): IDBKeyRange {
	return IDBKeyRange.bound([...prefix], [...prefix, []]);
}

/** The keys of all rows that begin with `prefix`; they tell which rows there are without opening one. */
export async function keysBelow(prefix: RowKey): Promise<RowKey[]> {
	const keys = await wallet('readonly', (store) => promisifyRequest(store.getAllKeys(below(prefix))));
	return keys as unknown as RowKey[];
}

/**
 * Runs `write` in one transaction and resolves once it is on disk.
 * @param durability `relaxed`: a worker's or the browser's death loses nothing, a power failure may
 */
export async function transact<T>(
	write: (store: IDBObjectStore) => Promise<T>,
	durability: IDBTransactionDurability = 'strict',
): Promise<T> {
	return inStore(
		'readwrite',
		async (store) => {
			// Listen before anything is written: a transaction that aborts must reject, whatever the requests answered.
			const complete = promisifyRequest(store.transaction);
			complete.catch(() => {});
			try {
				const result = await write(store);
				await complete;
				return result;
			} catch (error) {
				try {
					store.transaction.abort();
				} catch {
					// It is over already.
				}
				// One that was aborted without a reason has no error of its own (Indexed Database 3.0, section 4.9).
				throw error ?? new DOMException('aborted', 'AbortError');
			}
		},
		durability,
	);
}

/** Deletes the whole database, the vault's key with it. */
export async function destroy(): Promise<void> {
	const db = await open().catch(() => undefined);
	db?.close();
	forget(true);
	await promisifyRequest(indexedDB.deleteDatabase(NAME));
}
