import { expect, test } from 'vitest';
import { kill, result, withStore } from '../setup.js';

const load = () => import('../../../sw/wallet/db.js');

test('a connection that was lost is opened anew', async () => {
	const { transact, wallet } = await load();
	let db: IDBDatabase | undefined;
	await transact(async (store) => {
		db = store.transaction.db;
		store.put('kept', ['a']);
	});
	db?.close();
	expect(await wallet('readonly', (store) => result(store.get(['a'])))).toBe('kept');
});

test('a transaction that aborts rejects, and writes nothing', async () => {
	const { transact, wallet } = await load();
	const aborted = transact(async (store) => {
		store.put('lost', ['a']);
		store.transaction.abort();
		return 'done';
	});
	await expect(aborted).rejects.toBeDefined();
	expect(await wallet('readonly', (store) => result(store.get(['a'])))).toBeUndefined();
});

test('a writer that throws takes back what it wrote', async () => {
	const { transact, wallet } = await load();
	const failed = transact(async (store) => {
		store.put('lost', ['a']);
		throw new Error('on second thought');
	});
	await expect(failed).rejects.toThrow('on second thought');
	expect(await wallet('readonly', (store) => result(store.get(['a'])))).toBeUndefined();
});

test('writes ask for strict durability', async () => {
	const { transact } = await load();
	const asked: unknown[] = [];
	await transact(async (store) => {
		asked.push(store.transaction.mode, store.transaction.durability);
	});
	expect(asked).toEqual(['readwrite', 'strict']);
});

test('a newer version of the database may take over while this one is open', async () => {
	const { transact, wallet } = await load();
	await transact(async (store) => void store.put(1, ['a']));
	await result(indexedDB.deleteDatabase('satchel'));
	expect(await wallet('readonly', (store) => result(store.get(['a'])))).toBeUndefined();
});

test('destroying leaves nothing', async () => {
	const { transact, destroy } = await load();
	await transact(async (store) => void store.put(1, ['a']));
	await destroy();
	kill();
	expect(await withStore('readonly', (store) => result(store.count()))).toBe(0);
});
