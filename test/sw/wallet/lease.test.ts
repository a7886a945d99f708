import { expect, test, vi } from 'vitest';
import { codeOf, json, network, sent } from '../setup.js';
import { connection, rotating } from './support.js';

async function load() {
	const connections = await import('../../../sw/wallet/connections.js');
	const { changeLeased, currentLease } = await import('../../../sw/wallet/lease.js');
	const { hasUnsaved } = await import('../../../sw/wallet/unsaved.js');
	return { ...connections, changeLeased, currentLease, hasUnsaved, ...(await import('../../../sw/wallet/keeper.js')) };
}

/** Another worker beside the first: the version that waits, say. */
function another() {
	vi.resetModules();
	return load();
}

/** Waiting for a lock lasts until the test says that it was too long. */
function patience() {
	const { timeout } = AbortSignal;
	const ends: AbortController[] = [];
	vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
		if (ms !== 90_000) return timeout(ms);
		const controller = new AbortController();
		ends.push(controller);
		return controller.signal;
	});
	return {
		waiting: () => ends.length,
		end: () => {
			for (const one of ends) one.abort(new DOMException('too long', 'TimeoutError'));
		},
	};
}

const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });

/** A worker whose request gets no answer until the test gives one. */
async function stuck() {
	const worker = await load();
	await worker.addConnection(connection());
	let answer = (_: Response) => {};
	network(() => new Promise<Response>((resolve) => (answer = resolve)));
	const result = worker.freshConnection('c1');
	result.catch(() => {});
	await vi.waitFor(() => expect(sent).toHaveLength(1));
	return { worker, result, answer: (body: object) => answer(json(body)) };
}

test('a lock whose holder is stuck is stolen once its lease ran out, and a late answer replaces no newer tokens', async () => {
	const time = patience();
	const first = await stuck();
	const second = await another();
	const server = rotating();
	network(server.respond);
	const got = second.freshConnection('c1');
	await vi.waitFor(() => expect(time.waiting()).toBe(2));
	later(90_001);
	time.end();
	expect((await got).refreshToken).toBe('rt-1');
	first.answer({ access_token: 'late', refresh_token: 'late', token_type: 'Bearer', expires_in: 3600 });
	// Its caller gets what is on disk, not what it was told.
	expect((await first.result).refreshToken).toBe('rt-1');
	expect(await second.getConnection('c1')).toMatchObject({ accessToken: 'at-1', refreshToken: 'rt-1', intent: null });
	expect(first.worker.hasUnsaved()).toBe(false);
});

test('a late refusal of a holder that lost its lease ends no connection that somebody else renewed', async () => {
	const time = patience();
	const first = await stuck();
	const second = await another();
	network(rotating().respond);
	const got = second.freshConnection('c1');
	await vi.waitFor(() => expect(time.waiting()).toBe(2));
	later(90_001);
	time.end();
	await got;
	first.answer({ error: 'invalid_grant' });
	expect((await first.result).refreshToken).toBe('rt-1');
	expect(await second.getConnection('c1')).toMatchObject({ status: 'active', problem: null, refreshToken: 'rt-1' });
});

test('a lock whose holder has a running lease is not stolen; whoever waited too long is told so', async () => {
	const time = patience();
	const first = await stuck();
	const second = await another();
	const got = codeOf(second.freshConnection('c1'));
	await vi.waitFor(() => expect(time.waiting()).toBe(2));
	time.end();
	expect(await got).toBe('timeout');
	expect(sent).toHaveLength(1);
	first.answer({ access_token: 'at-1', refresh_token: 'rt-1', token_type: 'Bearer' });
	expect((await first.result).refreshToken).toBe('rt-1');
	expect((await second.getConnection('c1'))?.problem).toBeNull();
});

test('of two that would steal at once, one does', async () => {
	const time = patience();
	await stuck();
	const [second, third] = [await another(), await another()];
	const server = rotating();
	network(server.respond);
	const got = [codeOf(second.freshConnection('c1')), codeOf(third.freshConnection('c1'))];
	await vi.waitFor(() => expect(time.waiting()).toBe(3));
	later(90_001);
	time.end();
	expect((await Promise.all(got)).sort()).toEqual(['timeout', undefined]);
	expect(server.presented).toEqual(['rt-0']);
});

test('a holder that lost its lease before it asked sends nothing', async () => {
	const time = patience();
	const first = await load();
	await first.addConnection(connection());
	const { digest } = crypto.subtle;
	let wake = () => {};
	const asleep = new Promise<void>((resolve) => (wake = resolve));
	const spy = vi.spyOn(crypto.subtle, 'digest').mockImplementationOnce(async (...given) => {
		await asleep;
		return digest.call(crypto.subtle, ...given);
	});
	// It has the lock, and comes no further than the hash of what it is about to present.
	const late = codeOf(first.freshConnection('c1'));
	await vi.waitFor(() => expect(spy).toHaveBeenCalled());
	const second = await another();
	const server = rotating();
	let release = () => {};
	const released = new Promise<void>((resolve) => (release = resolve));
	network(async (request) => {
		await released;
		return server.respond(request);
	});
	const got = second.freshConnection('c1');
	await vi.waitFor(() => expect(time.waiting()).toBe(2));
	time.end();
	await vi.waitFor(() => expect(sent).toHaveLength(1));
	wake();
	await late;
	expect(sent).toHaveLength(1);
	release();
	await got;
	expect(server.presented).toEqual(['rt-0']);
	expect(await second.getConnection('c1')).toMatchObject({ refreshToken: 'rt-1', status: 'active', problem: null });
});

test('the lease of a dead worker keeps nobody waiting, and none is left behind', async () => {
	const { addConnection, changeLeased, currentLease, freshConnection } = await load();
	await addConnection(connection());
	const dead = { holder: 'dead', until: Date.now() + 60_000 };
	await changeLeased('c1', (one) => ({ connection: one, lease: dead }));
	network(rotating().respond);
	expect((await freshConnection('c1')).refreshToken).toBe('rt-1');
	expect(await currentLease('c1')).toBeUndefined();
});

test('as long as an answer is in memory alone, no other worker may refresh, and this one may still remove', async () => {
	const time = patience();
	const first = await load();
	await first.addConnection(connection());
	const server = rotating();
	const { put } = IDBObjectStore.prototype;
	let full = false;
	vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...given) {
		if (full) throw new DOMException('full', 'QuotaExceededError');
		return put.apply(this, given);
	});
	network(async (request) => {
		const response = await server.respond(request);
		full = true;
		return response;
	});
	await expect(first.freshConnection('c1')).rejects.toMatchObject({ name: 'QuotaExceededError' });
	full = false;
	const second = await another();
	// Longer than any lease, with room on the disk again: its holder is not stuck, only not yet asked to write.
	const tooLong = codeOf(second.freshConnection('c1'));
	await vi.waitFor(() => expect(time.waiting()).toBe(2));
	later(90_001);
	time.end();
	expect(await tooLong).toBe('timeout');
	expect(server.presented).toEqual(['rt-0']);
	const waiting = second.freshConnection('c1');
	// Work of the same worker does not wait for itself.
	expect(await first.locked('c1', async () => first.hasUnsaved())).toBe(true);
	expect(await first.saveUnsaved()).toBe(false);
	expect((await waiting).refreshToken).toBe('rt-1');
	expect(server.presented).toEqual(['rt-0']);
});
