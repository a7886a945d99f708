import { expect, test } from 'vitest';
import { kill, rowsOnDisk, withStore } from '../setup.js';

const load = () => import('../../../sw/wallet/rows.js');

test('two changes of one row at once both count', async () => {
	const { commit, read, update } = await load();
	await commit([{ key: ['n', 1], value: { count: 0 } }]);
	const increment = () => update<{ count: number }>(['n', 1], ({ count }) => ({ count: count + 1 }));
	await Promise.all([increment(), increment(), increment(), increment()]);
	expect((await read<{ count: number }>(['n', 1]))?.value.count).toBe(4);
});

test('a commit with one conflict changes nothing', async () => {
	const { commit, Conflict, read } = await load();
	await commit([{ key: ['a'], value: 'old' }]);
	const both = commit([
		{ key: ['b'], expect: 0, value: 'new' },
		{ key: ['a'], expect: 7, value: 'new' },
		{ key: ['c'], raw: 'new' },
	]);
	await expect(both).rejects.toBeInstanceOf(Conflict);
	expect((await read(['a']))?.value).toBe('old');
	expect(await read(['b'])).toBeUndefined();
	expect(await rowsOnDisk()).toHaveLength(2);
});

test('a row that must be new is refused where one is', async () => {
	const { commit, Conflict } = await load();
	await commit([{ key: ['a'], expect: 0, value: 1 }]);
	await expect(commit([{ key: ['a'], expect: 0, value: 2 }])).rejects.toBeInstanceOf(Conflict);
});

test('of several that take a row one gets it', async () => {
	const { commit, take } = await load();
	await commit([{ key: ['trip', 'x'], value: 'once' }]);
	const taken = await Promise.all([take(['trip', 'x']), take(['trip', 'x']), take(['trip', 'x'])]);
	expect(taken.filter((value) => value === 'once')).toHaveLength(1);
	expect(taken.filter((value) => value === undefined)).toHaveLength(2);
});

test('a change that answers nothing leaves the row and its revision', async () => {
	const { commit, read, update } = await load();
	await commit([{ key: ['a'], value: 'kept' }]);
	expect(await update(['a'], () => undefined)).toBe('kept');
	expect(await update(['missing'], () => 'never')).toBeUndefined();
	expect(await read(['a'])).toEqual({ revision: 1, value: 'kept' });
});

test('deleting below a prefix leaves its neighbours', async () => {
	const { commit, read, readAll } = await load();
	await commit([
		{ key: ['part', 'a', 0, 'all', 0], value: 1 },
		{ key: ['part', 'a', 1, 'all', 0], value: 2 },
		{ key: ['part', 'ab', 0, 'all', 0], value: 3 },
	]);
	await commit([{ below: ['part', 'a', 0] }]);
	expect((await readAll<number>(['part'])).sort()).toEqual([2, 3]);
	await commit([{ below: ['part', 'a'] }]);
	expect((await read(['part', 'ab', 0, 'all', 0]))?.value).toBe(3);
});

test('rows swapped on disk do not open', async () => {
	const { commit, read } = await load();
	await commit([
		{ key: ['connection', 'mine'], value: { patientId: 'me' } },
		{ key: ['connection', 'yours'], value: { patientId: 'you' } },
	]);
	const rows = await rowsOnDisk();
	const of = (name: string) => rows.find(({ key }) => Array.isArray(key) && key[1] === name);
	await withStore('readwrite', async (store) => {
		store.put(of('yours')?.value, ['connection', 'mine']);
		store.put(of('mine')?.value, ['connection', 'yours']);
	});
	kill();
	const next = await load();
	await expect(next.read(['connection', 'mine'])).rejects.toMatchObject({ code: 'vault_lost' });
	await expect(read(['connection', 'yours'])).rejects.toThrow();
});
