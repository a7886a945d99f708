/**
 * Storage that fails at the n-th write and stays broken until it is repaired: whatever the write and whatever the failure, no
 * token is lost while the worker lives, and the person is told.
 */
import { afterEach, expect, test } from 'vitest';
import { asBrokerError } from '../../../sw/errors.js';
import { kill, network } from '../setup.js';
import { custom, provider } from './provider.js';
import { connection, rotating } from './support.js';

type Failure = 'quota' | 'abort' | 'lost' | 'open';

const CODES: Record<Failure, string> = {
	quota: 'storage_full',
	abort: 'storage_failed',
	lost: 'storage_failed',
	open: 'storage_failed',
};

/** How storage is broken; undefined where it works. */
let plan: { failure: Failure; left: number; broken: boolean } | undefined;

const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
	const writes = given[1] === 'readwrite';
	if (plan && writes && plan.left-- <= 0) plan.broken = true;
	if (!plan?.broken) return transaction.apply(this, given);
	const { failure } = plan;
	// A connection that was lost can be read no more either.
	if (failure === 'lost' || failure === 'open') throw new DOMException('lost', 'InvalidStateError');
	const made = transaction.apply(this, given);
	if (writes) spoil(made, failure === 'quota' ? 'QuotaExceededError' : 'abort');
	return made;
};

afterEach(() => {
	plan = undefined;
});

/** Breaks every transaction that writes from the n-th on, counted from 0 from here on. */
function breakAt(failure: Failure, n: number) {
	const mine = { failure, left: n, broken: false };
	plan = mine;
	const factory = indexedDB;
	const replace = (value: unknown) =>
		Object.defineProperty(globalThis, 'indexedDB', { value, configurable: true, writable: true });
	if (failure === 'open') replace({ open: () => (mine.broken ? refused() : factory.open('satchel', 1)) });
	return {
		met: () => mine.broken,
		repair() {
			plan = undefined;
			replace(factory);
		},
	};
}

/** An open request that fails. */
function refused(): IDBOpenDBRequest {
	const request = { error: new DOMException('no', 'UnknownError') } as unknown as IDBOpenDBRequest;
	queueMicrotask(() => request.onerror?.(new Event('error')));
	return request;
}

function spoil(transaction: IDBTransaction, how: 'QuotaExceededError' | 'abort'): void {
	const { objectStore } = transaction;
	transaction.objectStore = (name) => {
		const store = objectStore.call(transaction, name);
		const { put } = store;
		store.put = (...given) => {
			if (how === 'QuotaExceededError') throw new DOMException('full', how);
			const request = put.apply(store, given);
			// As when the disk fails while it is flushed: the request was answered, the transaction is not.
			request.addEventListener('success', () => transaction.abort());
			return request;
		};
		const remove = store.delete.bind(store);
		store.delete = (...given) => {
			const request = remove(...given);
			// What deletes needs no room.
			if (how === 'abort') request.addEventListener('success', () => transaction.abort());
			return request;
		};
		return store;
	};
}

async function load() {
	const connections = await import('../../../sw/wallet/connections.js');
	const keeper = await import('../../../sw/wallet/keeper.js');
	const { overview } = await import('../../../sw/overview.js');
	const { finishConnect, startConnect } = await import('../../../sw/wallet/connect.js');
	const { recorded } = await import('../../../sw/wallet/activity.js');
	const { hasUnsaved } = await import('../../../sw/wallet/unsaved.js');
	return { ...connections, ...keeper, hasUnsaved, overview, finishConnect, startConnect, recorded };
}

/** The code of whatever was thrown, as the page gets it. */
const wireCode = (work: Promise<unknown>) =>
	work.then(
		() => undefined,
		(error) => asBrokerError(error).code,
	);

const FAILURES: Failure[] = ['quota', 'abort', 'lost', 'open'];

/** What a page is told; where nothing can be read, only that tokens are in memory is worth telling. */
async function told(worker: Awaited<ReturnType<typeof load>>, failure: Failure): Promise<boolean> {
	const reads = failure === 'quota' || failure === 'abort';
	const unreadable = (error: unknown) => {
		expect(asBrokerError(error).code).toBe('storage_failed');
		return { unsaved: false };
	};
	return (await worker.overview().catch((error) => (reads ? Promise.reject(error) : unreadable(error)))).unsaved;
}

test.each(FAILURES)('a refresh whose n-th write fails (%s) loses no token, for every n', async (failure) => {
	let n = 0;
	for (let met = true; met; n++) {
		const worker = await load();
		const id = `c${n}`;
		await worker.addConnection(connection({ id }));
		const server = rotating();
		network(server.respond);
		const storage = breakAt(failure, n);
		const code = await wireCode(worker.freshConnection(id));
		await worker.recorded();
		met = storage.met();
		const asked = server.presented.length;
		// The first write is the intent: without it nothing leaves.
		expect(asked, `write ${n}`).toBe(met && n === 0 ? 0 : 1);
		// The first two make or break the refresh; what comes later is worth less than the tokens.
		expect(code, `write ${n}`).toBe(met && n < 2 ? CODES[failure] : undefined);
		expect(worker.hasUnsaved(), `write ${n}`).toBe(met && n === 1);
		if (met) expect(await told(worker, failure), `write ${n}`).toBe(n === 1);
		// As long as it is broken, asking again sends nothing.
		if (n === 1) {
			expect(await wireCode(worker.freshConnection(id))).toBe(CODES[failure]);
			expect(await worker.saveUnsaved()).toBe(true);
			expect(server.presented).toHaveLength(1);
		}
		storage.repair();
		expect(await worker.saveUnsaved()).toBe(false);
		const row = await worker.getConnection(id);
		expect(row).toMatchObject({ status: 'active', refreshToken: asked ? 'rt-1' : 'rt-0' });
		if (asked) expect(row).toMatchObject({ intent: null, problem: null });
		kill();
		// Another worker finds it on disk, and presents nothing twice.
		const next = await load();
		expect((await next.freshConnection(id)).refreshToken).toBe('rt-1');
		expect(server.presented).toEqual(['rt-0']);
		await next.deleteConnection(id);
		await next.recorded();
	}
	expect(n).toBeGreaterThan(2);
});

test.each(FAILURES)('a sign-in whose n-th write fails (%s) is finished once it can be written', async (failure) => {
	let n = 0;
	for (let met = true; met; n++) {
		const worker = await load();
		const { revoked } = provider({ patient: `p${n}` });
		const { url } = await worker.startConnect(custom, '/connections', null);
		const parameters = new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' });
		const storage = breakAt(failure, n);
		const included: string[] = [];
		const arrival = await worker
			.finishConnect(parameters, async (_, id) => void included.push(id))
			.catch(() => undefined);
		met = storage.met();
		// The first write spends the state: without it the code is not redeemed. It deletes, which a full disk takes.
		const redeemed = !(met && n === 0 && failure !== 'quota');
		const unsaved = met && redeemed && n <= 2;
		expect(worker.hasUnsaved(), `write ${n}`).toBe(unsaved);
		if (met) expect(await told(worker, failure), `write ${n}`).toBe(unsaved);
		storage.repair();
		expect(await worker.saveUnsaved()).toBe(false);
		await arrival?.rest.catch(() => {});
		await worker.recorded();
		kill();
		const next = await load();
		const made = (await next.listConnections()).filter(({ patientId }) => patientId === `p${n}`);
		expect(
			made.map(({ refreshToken }) => refreshToken),
			`write ${n}`,
		).toEqual(redeemed ? ['rt-1'] : []);
		if (redeemed)
			expect((await next.overview()).notice).toMatchObject({ kind: 'connected', connectionId: made[0]?.id });
		expect(revoked).toEqual([]);
	}
	expect(n).toBeGreaterThan(3);
});

test('a sign-in that was never written does not come back after everything was cleared', async () => {
	const worker = await load();
	provider();
	const { url } = await worker.startConnect(custom, '/connections', null);
	const parameters = new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' });
	const storage = breakAt('quota', 1);
	await worker.finishConnect(parameters, async () => {});
	expect(worker.hasUnsaved()).toBe(true);
	storage.repair();
	const { forgetEverything } = await import('../../../sw/leave.js');
	await forgetEverything();
	expect(await worker.saveUnsaved()).toBe(false);
	expect(await worker.listConnections()).toEqual([]);
});

test('where nothing can be read any more, the last view goes on telling that tokens are in memory alone', async () => {
	const worker = await load();
	await worker.addConnection(connection());
	const before = await worker.overview();
	network(rotating().respond);
	const storage = breakAt('lost', 1);
	expect(await wireCode(worker.freshConnection('c1'))).toBe('storage_failed');
	const told = await worker.overview();
	expect(told).toMatchObject({ unsaved: true, connections: before.connections, lock: 'off' });
	expect(told.revision).toBeGreaterThan(before.revision);
	storage.repair();
	await worker.saveUnsaved();
	expect(await worker.overview()).toMatchObject({ unsaved: false, connections: [{ problem: null }] });
});
