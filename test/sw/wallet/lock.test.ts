import { beforeEach, expect, test, vi } from 'vitest';
import type { WrappedKey } from '../../../sw/wallet/vault.js';
import { codeOf, kill, killAfter, network, rowsOnDisk, textIn, withStore } from '../setup.js';
import { connection, rotating } from './support.js';

const rows = () => import('../../../sw/wallet/rows.js');
const lock = () => import('../../../sw/wallet/lock.js');
const vault = () => import('../../../sw/wallet/vault.js');

/** What the page makes of a passkey's PRF output. */
const passkey = () =>
	crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']) as Promise<CryptoKey>;

let key: CryptoKey;
const how = () => ({ key, credentialId: 'Y3JlZGVudGlhbA', salt: 'c2FsdA' });

const SECRET = 'rt-5d0c-very-secret';
const deviceKey = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
const part = { octets: new Uint8Array([1, 2, 3]), size: 3, digest: 'x' };

/** A connection, a chunk that the vault sealed without a revision, a part and a key that it did not seal. */
async function fill(): Promise<void> {
	const { commit } = await rows();
	const { sealBytes } = await vault();
	await commit([{ key: ['connection', 'a'], value: { refreshToken: SECRET } }]);
	const chunk = ['chunk', 'job', 0, 'all', 0] as const;
	await commit([
		{ key: ['notice'], value: 'kept' },
		{ key: chunk, raw: await sealBytes(new TextEncoder().encode('line\n'), chunk) },
		{ key: ['part', 'job', 0, 'all', 0], raw: part },
		{ key: ['device-key', 'a'], raw: deviceKey.privateKey },
	]);
}

async function expectReadable(): Promise<void> {
	const { read, readRaw } = await rows();
	const { openBytes } = await vault();
	expect((await read(['connection', 'a']))?.value).toEqual({ refreshToken: SECRET });
	expect((await read(['notice']))?.value).toBe('kept');
	const chunk = ['chunk', 'job', 0, 'all', 0] as const;
	const octets = await openBytes((await readRaw(chunk))!, chunk);
	expect(new TextDecoder().decode(octets)).toBe('line\n');
	expect(await readRaw(['part', 'job', 0, 'all', 0])).toEqual(part);
	expect(await readRaw(['device-key', 'a'])).toBeInstanceOf(CryptoKey);
}

const onDisk = async (...at: string[]) =>
	(await rowsOnDisk()).find(({ key: row }) => JSON.stringify(row).startsWith(JSON.stringify(at).slice(0, -1)))?.value;

/** Rows as octets and text, to see whether anything changed. */
const picture = async () =>
	(await rowsOnDisk()).map(({ key: row, value }) => `${JSON.stringify(row)} ${textIn(value)}`);

beforeEach(async () => {
	key = await passkey();
});

test('a wallet is not locked unless somebody asked for it', async () => {
	const { lockState, lockChallenge, unlock, lockNow, disableLock } = await lock();
	expect(await lockState()).toBe('off');
	await fill();
	expect(await lockState()).toBe('off');
	expect(await codeOf(lockChallenge())).toBe('unlock_failed');
	await Promise.all([unlock(key), lockNow(), disableLock()]);
	expect(await lockState()).toBe('off');
	await expectReadable();
});

test('with the lock on, everything reads as before and no key that opens it is on disk', async () => {
	await fill();
	const before = (await onDisk('vault', 'key')) as { key: CryptoKey };
	const { enableLock, lockState } = await lock();
	await enableLock(how());
	expect(await lockState()).toBe('unlocked');
	await expectReadable();
	const stored = (await onDisk('vault', 'key')) as WrappedKey;
	expect(Object.keys(stored).sort()).toEqual(['closed', 'credentialId', 'id', 'salt', 'wrapped']);
	const keys = (await rowsOnDisk()).filter(({ value }) => value instanceof CryptoKey).map((row) => row.key);
	expect(keys).toEqual([['device-key', 'a']]);
	// The key that was there opens nothing any more, neither rows nor what was stored without a revision.
	const sealed = (await rowsOnDisk()).flatMap(({ key: row, value }) => {
		const { sealed: inner = value } = value as { sealed?: unknown };
		return inner && typeof inner === 'object' && 'iv' in inner
			? [{ row, ...(inner as { iv: Uint8Array<ArrayBuffer> }) }]
			: [];
	}) as unknown as { row: unknown; iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }[];
	expect(sealed.length).toBeGreaterThanOrEqual(3);
	for (const { row, iv, data } of sealed) {
		const additionalData = new TextEncoder().encode(JSON.stringify(row));
		await expect(crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, before.key, data)).rejects.toThrow();
	}
});

test('a worker that starts anew is locked, says so and never that anything is lost', async () => {
	await fill();
	await (await lock()).enableLock(how());
	kill();
	const { read, readAll, commit, update, take } = await rows();
	expect(await (await lock()).lockState()).toBe('locked');
	expect(await codeOf(read(['connection', 'a']))).toBe('locked');
	expect(await codeOf(readAll(['connection']))).toBe('locked');
	expect(await codeOf(commit([{ key: ['b'], value: 1 }]))).toBe('locked');
	expect(await codeOf(update(['connection', 'a'], () => 'x'))).toBe('locked');
	expect(await codeOf(take(['connection', 'a']))).toBe('locked');
	expect(await codeOf((await lock()).disableLock())).toBe('locked');
	await (await lock()).unlock(key);
	expect(await (await lock()).lockState()).toBe('unlocked');
	await expectReadable();
});

test('another passkey opens nothing and changes nothing', async () => {
	await fill();
	await (await lock()).enableLock(how());
	kill();
	const before = await picture();
	expect(await codeOf((await lock()).unlock(await passkey()))).toBe('unlock_failed');
	expect(await (await lock()).lockState()).toBe('locked');
	expect(await picture()).toEqual(before);
	await (await lock()).unlock(key);
	await expectReadable();
});

test('a key that could be exported, or is of another kind, is no key for a lock', async () => {
	await fill();
	const before = await picture();
	const { enableLock, lockState } = await lock();
	const usages: KeyUsage[] = ['wrapKey', 'unwrapKey'];
	const exportable = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, usages);
	const sealing = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
	for (const wrong of [exportable, sealing])
		expect(await codeOf(enableLock({ ...how(), key: wrong }))).toBe('unlock_failed');
	expect(await lockState()).toBe('off');
	expect(await picture()).toEqual(before);
});

test('wherever the worker dies while the lock is turned on, the wallet is as before or locked, and whole', async () => {
	const outcomes = new Set<string>();
	let died = true;
	for (let operation = 0; died; operation++) {
		expect(operation).toBeLessThan(60);
		kill();
		await withStore('readwrite', async (store) => void store.clear());
		await fill();
		const { enableLock } = await lock();
		const dead = killAfter(operation);
		const done = enableLock(how()).then(
			() => 'done' as const,
			() => 'dead' as const,
		);
		died = (await Promise.race([dead, done])) === 'dead';
		kill();
		const state = await (await lock()).lockState();
		outcomes.add(state);
		if (state === 'locked') await (await lock()).unlock(key);
		await expectReadable();
		// The page asks again, as for anything that got no answer.
		await (await lock()).enableLock(how());
		expect(await (await lock()).lockState()).toBe('unlocked');
		await expectReadable();
	}
	expect([...outcomes].sort()).toEqual(['locked', 'off']);
});

test('storage that fails at any write leaves the wallet as it was', async () => {
	await fill();
	const before = await picture();
	const { enableLock, lockState } = await lock();
	const put = IDBObjectStore.prototype.put;
	for (let failing = 0; failing < 4; failing++) {
		let writes = 0;
		const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...given) {
			if (writes++ === failing) throw new DOMException('full', 'QuotaExceededError');
			return put.apply(this, given);
		});
		await expect(enableLock(how())).rejects.toMatchObject({ name: 'QuotaExceededError' });
		spy.mockRestore();
		expect(await lockState()).toBe('off');
		expect(await picture()).toEqual(before);
		await expectReadable();
	}
});

test('a change that comes in while everything is sealed anew is kept', async () => {
	await fill();
	const { enableLock } = await lock();
	const { commit, update } = await rows();
	await commit([{ key: ['n'], value: 0 }]);
	const count = async () => {
		for (let i = 0; i < 12; i++) await update<number>(['n'], (n) => n + 1);
	};
	await Promise.all([count(), enableLock(how()), commit([{ key: ['late'], value: 'here' }])]);
	kill();
	await (await lock()).unlock(key);
	const next = await rows();
	expect((await next.read(['n']))?.value).toBe(12);
	expect((await next.read(['late']))?.value).toBe('here');
	await expectReadable();
});

test('another worker that still has the old key writes nothing that nobody can open', async () => {
	await fill();
	const other = { rows: await rows(), vault: await vault(), lock: await lock() };
	await other.rows.read(['connection', 'a']);
	const chunk = ['chunk', 'job', 0, 'all', 1] as const;
	const sealed = await other.vault.sealBytes(new Uint8Array([1]), chunk);
	vi.resetModules();
	await (await lock()).enableLock(how());
	expect(await codeOf(other.rows.commit([{ key: ['b'], value: 1 }]))).toBe('locked');
	await expect(other.rows.commit([{ key: chunk, raw: sealed }])).rejects.toBeInstanceOf(other.rows.Conflict);
	expect(await codeOf(other.rows.read(['connection', 'a']))).toBe('locked');
	expect(await other.lock.lockState()).toBe('locked');
	await other.lock.unlock(key);
	await other.rows.commit([{ key: ['b'], value: 1 }]);
	expect((await (await rows()).read(['b']))?.value).toBe(1);
	// Turned off by one, the other one goes on by itself.
	await (await lock()).disableLock();
	expect(await other.lock.lockState()).toBe('off');
	expect((await other.rows.read(['b']))?.value).toBe(1);
});

test('the lock turned off leaves a wallet that opens by itself', async () => {
	await fill();
	await (await lock()).enableLock(how());
	await (await lock()).disableLock();
	await (await lock()).disableLock();
	kill();
	expect(await (await lock()).lockState()).toBe('off');
	await expectReadable();
	const stored = (await onDisk('vault', 'key')) as { key: CryptoKey };
	expect(stored.key.extractable).toBe(false);
	expect(stored).not.toHaveProperty('wrapped');
});

test('locking drops the key at once, and a page that merely kept its own does not open it again', async () => {
	await fill();
	const { enableLock, lockNow, lockState, unlock } = await lock();
	await enableLock(how());
	await lockNow();
	expect(await lockState()).toBe('locked');
	expect(await codeOf((await rows()).read(['connection', 'a']))).toBe('locked');
	expect(await codeOf(unlock(key, true))).toBe('locked');
	kill();
	expect(await codeOf((await lock()).unlock(key, true))).toBe('locked');
	await (await lock()).unlock(key);
	await expectReadable();
	// After that, a page may do so for the next worker.
	kill();
	await (await lock()).unlock(key, true);
	await expectReadable();
});

test('the lock waits for a refresh under way, so that its tokens are on disk before the key is gone', async () => {
	await fill();
	const { enableLock, lockNow, lockState } = await lock();
	await enableLock(how());
	let answer = () => {};
	const answered = new Promise<void>((resolve) => {
		answer = resolve;
	});
	const refreshing = navigator.locks.request('refresh a', async () => {
		await answered;
		await (await rows()).commit([{ key: ['connection', 'a'], value: { refreshToken: 'rotated' } }]);
	});
	const locking = lockNow();
	await vi.waitFor(async () => expect((await navigator.locks.query()).pending).toMatchObject([{ name: 'refresh a' }]));
	expect(await lockState()).toBe('unlocked');
	answer();
	await Promise.all([refreshing, locking]);
	expect(await lockState()).toBe('locked');
	kill();
	await (await lock()).unlock(key);
	expect((await (await rows()).read(['connection', 'a']))?.value).toEqual({ refreshToken: 'rotated' });
});

test('tokens that cannot be written down keep the wallet open: locking would lose them', async () => {
	await fill();
	const { addConnection } = await import('../../../sw/wallet/connections.js');
	const { freshConnection } = await import('../../../sw/wallet/keeper.js');
	await addConnection(connection({ id: 'c1' }));
	const { enableLock, lockNow, lockState } = await lock();
	await enableLock(how());
	const full = vi.spyOn(IDBObjectStore.prototype, 'put');
	const { respond, presented } = rotating();
	network((request) => {
		// From here on there is no room: the server has rotated by the time that the answer is to be written.
		full.mockImplementation(() => {
			throw new DOMException('full', 'QuotaExceededError');
		});
		return respond(request);
	});
	await expect(freshConnection('c1')).rejects.toMatchObject({ name: 'QuotaExceededError' });
	expect(presented).toEqual(['rt-0']);
	expect(await codeOf(lockNow())).toBe('busy');
	expect(await codeOf(enableLock({ key: await passkey(), credentialId: 'b3RoZXI', salt: 'bmV3' }))).toBe('busy');
	expect(await lockState()).toBe('unlocked');
	full.mockRestore();
	await lockNow();
	expect(await lockState()).toBe('locked');
	kill();
	await (await lock()).unlock(key);
	expect((await (await rows()).read(['connection', 'c1']))?.value).toMatchObject({ refreshToken: 'rt-1' });
});

test('a sign-in that ends while the lock waits for it, and cannot be written down, keeps the wallet open', async () => {
	await fill();
	const { enableLock, lockNow, lockState, CALLBACK_LOCK } = await lock();
	const { keep, forgetUnsaved } = await import('../../../sw/wallet/unsaved.js');
	await enableLock(how());
	let end = () => {};
	const ended = new Promise<void>((resolve) => {
		end = resolve;
	});
	const held = { registration: connection(), tokens: { accessToken: 'at-1', refreshToken: 'rt-1' } };
	const full = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
	const arriving = navigator.locks.request(CALLBACK_LOCK, () =>
		ended.then(() => keep('sign-in', full, held).catch(() => {})),
	);
	const locking = lockNow();
	await vi.waitFor(async () =>
		expect((await navigator.locks.query()).pending).toMatchObject([{ name: CALLBACK_LOCK }]),
	);
	end();
	await arriving;
	expect(await codeOf(locking)).toBe('busy');
	expect(await lockState()).toBe('unlocked');
	forgetUnsaved('sign-in');
	await lockNow();
	expect(await lockState()).toBe('locked');
});

test('a sign-in that still waits, sealed under a key of its own, does not keep the lock from being turned on', async () => {
	await fill();
	const own = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, own, new TextEncoder().encode('state=s&code=c'));
	const parked = { key: own, sealed: { iv, data }, parkedAt: Date.now() };
	await (await rows()).commit([{ key: ['parked', 'hash'], raw: parked }]);
	await (await lock()).enableLock(how());
	expect(await (await lock()).lockState()).toBe('unlocked');
	expect(textIn(((await onDisk('parked', 'hash')) as typeof parked).sealed)).toBe(textIn(parked.sealed));
	await expectReadable();
});

test('while a slice of a job runs the lock cannot be turned on', async () => {
	await fill();
	await (await rows()).commit([{ key: ['job', 'j'], value: {} }]);
	const { enableLock, lockState } = await lock();
	await navigator.locks.request('job j', async () => {
		expect(await codeOf(enableLock(how()))).toBe('busy');
	});
	expect(await lockState()).toBe('off');
	await enableLock(how());
	expect(await lockState()).toBe('unlocked');
});

test('the lock can be moved to another passkey while the wallet is open', async () => {
	await fill();
	const { enableLock, lockChallenge } = await lock();
	await enableLock(how());
	const second = await passkey();
	await enableLock({ key: second, credentialId: 'b3RoZXI', salt: 'bmV3' });
	expect(await lockChallenge()).toEqual({ credentialId: 'b3RoZXI', salt: 'bmV3' });
	kill();
	expect(await codeOf((await lock()).unlock(key))).toBe('unlock_failed');
	await (await lock()).unlock(second);
	await expectReadable();
});

test('a locked wallet can be cleared, and begins anew without a lock', async () => {
	await fill();
	await (await lock()).enableLock(how());
	kill();
	const { clearEverything } = await import('../../../sw/leave.js');
	await clearEverything();
	expect(await (await lock()).lockState()).toBe('off');
	await (await rows()).commit([{ key: ['b'], value: 2 }]);
	expect((await (await rows()).read(['b']))?.value).toBe(2);
	expect(await rowsOnDisk()).toHaveLength(2);
});

test('a connection to the database that is merely lost does not lock the wallet', async () => {
	await fill();
	await (await lock()).enableLock(how());
	const { wallet } = await import('../../../sw/wallet/db.js');
	await wallet('readonly', async (store) => (store.transaction.db.onclose as () => void)());
	expect(await (await lock()).lockState()).toBe('unlocked');
	await expectReadable();
});

test('“Lock now” counts also where a page was just opening the wallet with the key that it kept', async () => {
	await fill();
	await (await lock()).enableLock(how());
	kill();
	const { unlock, lockNow, lockState } = await lock();
	const unwrap = crypto.subtle.unwrapKey.bind(crypto.subtle);
	let go = () => {};
	const gate = new Promise<void>((resolve) => (go = resolve));
	const spy = vi.spyOn(crypto.subtle, 'unwrapKey').mockImplementation(async (...given) => {
		await gate;
		return unwrap(...given);
	});
	const opening = codeOf(unlock(key, true));
	await vi.waitFor(() => expect(spy).toHaveBeenCalled());
	await lockNow();
	go();
	expect(await opening).toBe('locked');
	expect(await lockState()).toBe('locked');
});
