import { expect, test } from 'vitest';
import type { VaultKey } from '../../../sw/wallet/vault.js';
import { codeOf, kill, rowsOnDisk, textIn, withStore } from '../setup.js';

const rows = () => import('../../../sw/wallet/rows.js');

const vaultKey = async () => {
	const row = (await rowsOnDisk()).find(({ key }) => Array.isArray(key) && key[0] === 'vault');
	return (row?.value as VaultKey | undefined)?.key;
};

test('the key on disk cannot be exported', async () => {
	await (await rows()).commit([{ key: ['a'], value: 1 }]);
	const key = await vaultKey();
	expect(key).toBeInstanceOf(CryptoKey);
	const { extractable, usages, algorithm } = key!;
	expect({ extractable, usages: [...usages].sort(), algorithm }).toMatchObject({
		extractable: false,
		usages: ['decrypt', 'encrypt'],
		algorithm: { name: 'AES-GCM', length: 256 },
	});
	await expect(crypto.subtle.exportKey('raw', key!)).rejects.toThrow();
});

test('nothing of a sealed value is in plaintext on disk', async () => {
	const { commit } = await rows();
	const secret = 'rt-9f3c1f7b-very-secret';
	await commit([{ key: ['connection', 'id-1'], value: { refreshToken: secret, patientId: 'pat-777' } }]);
	const stored = await rowsOnDisk();
	const text = stored.map(({ key, value }) => `${JSON.stringify(key)} ${textIn(value)}`).join('\n');
	expect(text).toContain('id-1');
	for (const hidden of [secret, 'pat-777', 'refreshToken', 'patientId']) expect(text).not.toContain(hidden);
});

test('the same value sealed twice looks different', async () => {
	const { commit } = await rows();
	await commit([{ key: ['a'], value: 'same' }]);
	const [before] = (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'a');
	await commit([{ key: ['a'], value: 'same' }]);
	const [after] = (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'a');
	expect(textIn(after?.value)).not.toBe(textIn(before?.value));
});

test('a key that is gone while rows are there is a loss, never a silent new key', async () => {
	await (await rows()).commit([{ key: ['a'], value: 1 }]);
	await withStore('readwrite', async (store) => void store.delete(['vault', 'key']));
	kill();
	const next = await rows();
	expect(await codeOf(next.read(['a']))).toBe('vault_lost');
	expect(await codeOf(next.commit([{ key: ['b'], value: 2 }]))).toBe('vault_lost');
	expect(await vaultKey()).toBeUndefined();
});

test('a loss is looked at anew each time, so that clearing everything helps', async () => {
	await (await rows()).commit([{ key: ['a'], value: 1 }]);
	await withStore('readwrite', async (store) => void store.delete(['vault', 'key']));
	kill();
	const next = await rows();
	expect(await codeOf(next.read(['a']))).toBe('vault_lost');
	const { destroy } = await import('../../../sw/wallet/db.js');
	await destroy();
	await next.commit([{ key: ['b'], value: 2 }]);
	expect((await next.read(['b']))?.value).toBe(2);
});

test('two workers that start at once agree on one key', async () => {
	const first = await rows();
	const { vi } = await import('vitest');
	vi.resetModules();
	const second = await rows();
	await Promise.all([
		first.commit([{ key: ['a'], value: 'from the first' }]),
		second.commit([{ key: ['b'], value: 'from the second' }]),
	]);
	kill();
	const next = await rows();
	expect((await next.read(['a']))?.value).toBe('from the first');
	expect((await next.read(['b']))?.value).toBe('from the second');
});

test('an altered row does not open', async () => {
	await (await rows()).commit([{ key: ['a'], value: 'value' }]);
	const stored = (await rowsOnDisk()).find(({ key }) => Array.isArray(key) && key[0] === 'a');
	expect(stored).toBeDefined();
	const { revision, sealed } = stored!.value as { revision: number; sealed: { iv: Uint8Array; data: ArrayBuffer } };
	const data = new Uint8Array(sealed.data);
	data[0] = (data[0] ?? 0) ^ 1;
	await withStore(
		'readwrite',
		async (store) => void store.put({ revision, sealed: { ...sealed, data: data.buffer } }, ['a']),
	);
	expect(await codeOf((await rows()).read(['a']))).toBe('vault_lost');
});

test('a change that was under way when everything was cleared leaves a wallet that opens', async () => {
	const { commit, read } = await rows();
	const { destroy } = await import('../../../sw/wallet/db.js');
	await commit([{ key: ['a'], value: 1 }]);
	await destroy();
	// What a request in flight still wanted to write down: a row that is sealed already.
	await commit([{ key: ['part', 'job', 0, 'all', 0], raw: { octets: null } }]).catch(() => {});
	await commit([{ key: ['b'], value: 2 }]);
	kill();
	expect((await (await rows()).read(['b']))?.value).toBe(2);
	expect(await codeOf(read(['a']))).not.toBe('vault_lost');
});

test('a wallet of the time before keys had ids opens, and what is written into it too', async () => {
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const additionalData = new TextEncoder().encode(JSON.stringify(['connection', 'old']));
	const value = new TextEncoder().encode(JSON.stringify({ name: 'old' }));
	const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, value);
	await withStore('readwrite', async (store) => {
		store.put(key, ['vault', 'key']);
		store.put({ revision: 3, sealed: { iv, data } }, ['connection', 'old']);
	});
	const { commit, read, update } = await rows();
	expect(await read(['connection', 'old'])).toEqual({ revision: 3, value: { name: 'old' } });
	await commit([{ key: ['a'], value: 'new' }]);
	await update<{ name: string }>(['connection', 'old'], () => ({ name: 'changed' }));
	kill();
	const next = await rows();
	expect((await next.read(['a']))?.value).toBe('new');
	expect(await next.read(['connection', 'old'])).toEqual({ revision: 4, value: { name: 'changed' } });
});
