/**
 * The wallet's only store: one IndexedDB object store of rows under array keys such as `['connection', id]`, so that
 * whatever belongs together is written in one transaction. Every write is durable before it is acknowledged
 * (`durability: 'strict'`), which idb-keyval alone does not offer; hence this `UseStore`.
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
			db.onclose = forget;
			db.onversionchange = () => {
				db.close();
				forget();
			};
			resolve(db);
		};
	}).catch((error) => {
		forget();
		throw error;
	});
	return opening;
}

/** Told when the database may be gone, and with it everything that was read from it. */
let forgotten: () => void = () => {};

export function onForget(listener: () => void): void {
	forgotten = listener;
}

function forget(): void {
	opening = undefined;
	forgotten();
}

/** idb-keyval's store, with strict durability and one retry on a connection that was lost. */
export const wallet: UseStore = async (mode, callback) => {
	const transact = async () =>
		callback((await open()).transaction(STORE, mode, { durability: 'strict' }).objectStore(STORE));
	try {
		return await transact();
	} catch (error) {
		if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
		forget();
		return transact();
	}
};

/** A row's key: its kind, then whatever tells it apart. */
export type RowKey = readonly [kind: string, ...rest: (string | number)[]];

/** All keys that begin with `prefix`: an array sorts after every string and number, so `[]` ends the range. */
export function below(prefix: RowKey): IDBKeyRange {
	return IDBKeyRange.bound([...prefix], [...prefix, []]);
}

/** Runs `write` in one transaction and resolves once it is on disk. */
export async function transact<T>(write: (store: IDBObjectStore) => Promise<T>): Promise<T> {
	return wallet('readwrite', async (store) => {
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
			throw error;
		}
	});
}

/** Deletes the whole database, the vault's key with it. */
export async function destroy(): Promise<void> {
	const db = await open().catch(() => undefined);
	db?.close();
	forget();
	await promisifyRequest(indexedDB.deleteDatabase(NAME));
}
