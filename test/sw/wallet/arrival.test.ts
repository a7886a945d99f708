import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { codeOf, json, kill, killAfter, rowsOnDisk, textIn } from '../setup.js';
import { back, custom, entry, load, provider, signIn, type Worker } from './provider.js';

const SID = 'AAAAAAAAAAAAAAAAAAAAAA';
const MINUTE = 60_000;
const arrivals = async () => (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'arrival');

/** p1 has a connection, and p2 signs in to repair it. */
async function arrive(sid: string | null = null) {
	const worker = await load();
	const world = provider();
	const first = (await signIn(worker)) as Connection;
	world.state.patient = 'p2';
	await signIn(worker, { kind: 'reauthorize', connectionId: first.id }, sid);
	const waiting = await worker.otherPatient();
	return { worker, ...world, first, id: waiting?.id ?? '', waiting };
}

const patients = async (worker: Worker) => (await worker.listConnections()).map(({ patientId }) => patientId).sort();

test('another patient’s sign-in leaves the connection as it was and waits for a choice', async () => {
	const { worker, first, waiting, revoked } = await arrive();
	expect(await worker.listConnections()).toEqual([first]);
	expect(waiting).toEqual({
		id: expect.any(String),
		providerName: 'Lakeside',
		connectionId: first.id,
		patient: { name: 'Name of p2' },
		known: false,
	});
	expect((await worker.overview()).otherPatient).toEqual(waiting);
	expect(JSON.stringify(await worker.overview())).not.toMatch(/at-2|rt-2|"p2"/);
	expect(revoked).toEqual([]);
});

test('what waits is sealed, and survives the worker', async () => {
	await arrive();
	const text = (await rowsOnDisk()).map(({ key, value }) => JSON.stringify(key) + textIn(value)).join('\n');
	for (const secret of ['at-2', 'rt-2', '"p2"', 'Name of']) expect(text).not.toContain(secret);
	kill();
	const worker = await load();
	const waiting = await worker.otherPatient();
	await worker.settle(waiting?.id ?? '', 'add');
	expect(await patients(worker)).toEqual(['p1', 'p2']);
});

test('“add” makes that patient’s own connection and leaves the other', async () => {
	const { worker, first, id, revoked } = await arrive();
	const added = await worker.settle(id, 'add');
	expect(added).not.toBe(first.id);
	expect(await worker.getConnection(added ?? '')).toMatchObject({
		patientId: 'p2',
		refreshToken: 'rt-2',
		patient: { name: 'Name of p2' },
		status: 'active',
	});
	expect(await worker.getConnection(first.id)).toEqual(first);
	expect(await worker.otherPatient()).toBeNull();
	expect(revoked).toEqual([]);
	const { entries } = await worker.listActivity(null, 10);
	expect(entries[0]).toMatchObject({ what: 'connected', connectionId: added, providerName: 'Lakeside' });
});

test('“add” repairs the connection that this patient has already', async () => {
	const worker = await load();
	const { state } = provider();
	const one = await signIn(worker);
	state.patient = 'p2';
	const two = await signIn(worker);
	await signIn(worker, { kind: 'reauthorize', connectionId: one?.id ?? '' });
	const waiting = await worker.otherPatient();
	expect(waiting).toMatchObject({ known: true, connectionId: one?.id });
	expect(await worker.settle(waiting?.id ?? '', 'add')).toBe(two?.id);
	expect(await patients(worker)).toEqual(['p1', 'p2']);
	expect(await worker.getConnection(two?.id ?? '')).toMatchObject({
		refreshToken: 'rt-3',
		connectedAt: two?.connectedAt,
	});
	expect(await worker.getConnection(one?.id ?? '')).toMatchObject({ refreshToken: 'rt-1' });
});

test('“add” puts the connection into the session that it was made for, and nothing does before', async () => {
	const { worker, id } = await arrive(SID);
	expect(worker.included).toEqual([]);
	const added = await worker.settle(id, 'add');
	expect(worker.included).toEqual([{ sid: SID, connectionId: added }]);
	expect(await worker.getConnection(added ?? '')).toMatchObject({ newForSession: SID });
});

test('a worker that dies before the session knows of what was added leaves that to the repeated choice', async () => {
	const { id } = await arrive(SID);
	const { settleArrival } = await import('../../../sw/wallet/arrival.js');
	const died = new Promise<void>((resolve) => {
		void settleArrival(id, 'add', () => {
			kill();
			resolve();
			return new Promise(() => {});
		});
	});
	await died;
	const next = await load();
	const added = await next.settle(id, 'add');
	expect(await patients(next)).toEqual(['p1', 'p2']);
	expect(next.included).toEqual([{ sid: SID, connectionId: added }]);
});

test('“cancel” ends that access at the provider and deletes it', async () => {
	const { worker, id, first, revoked } = await arrive();
	expect(await worker.settle(id, 'cancel')).toBeNull();
	expect(revoked).toEqual([{ token: 'rt-2', client: 'app-1' }]);
	expect(await worker.listConnections()).toEqual([first]);
	expect(await worker.otherPatient()).toBeNull();
});

test('a choice stands: repeated or changed, it is answered as the first time', async () => {
	const { worker, id, revoked } = await arrive();
	const added = await worker.settle(id, 'add');
	kill();
	const next = await load();
	expect(await next.settle(id, 'add')).toBe(added);
	expect(await next.settle(id, 'cancel')).toBe(added);
	expect(await patients(next)).toEqual(['p1', 'p2']);
	expect(revoked).toEqual([]);
});

test('two tabs that choose at once make one connection', async () => {
	const { worker, id } = await arrive();
	const [one, two] = await Promise.all([worker.settle(id, 'add'), worker.settle(id, 'add')]);
	expect(one).toBe(two);
	expect(await patients(worker)).toEqual(['p1', 'p2']);
});

test('an arrival nobody knows is told apart', async () => {
	const { worker } = await arrive();
	expect(await codeOf(worker.settle('gone', 'add'))).toBe('arrival_unknown');
});

test('after a quarter of an hour nobody is asked any more, and the access is ended at the next occasion', async () => {
	const { worker, id, first, revoked } = await arrive();
	await worker.settleOldArrivals(Date.now());
	expect(await arrivals()).toHaveLength(1);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * MINUTE });
	expect(await worker.otherPatient()).toBeNull();
	expect(await codeOf(worker.settle(id, 'add'))).toBe('arrival_unknown');
	await worker.settleOldArrivals(Date.now());
	expect(revoked).toEqual([{ token: 'rt-2', client: 'app-1' }]);
	expect(await arrivals()).toEqual([]);
	expect(await worker.listConnections()).toEqual([first]);
});

test('what was settled is forgotten later, without another word to the provider', async () => {
	const { worker, id, revoked } = await arrive();
	await worker.settle(id, 'add');
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * MINUTE });
	await worker.settleOldArrivals(Date.now());
	expect(await arrivals()).toEqual([]);
	expect(revoked).toEqual([]);
});

test('a provider that does not answer the revocation does not keep the arrival alive', async () => {
	const { worker, id, state } = await arrive();
	state.odd = (request) => (request.url.endsWith('/revoke') ? json({}, { status: 503 }) : undefined);
	expect(await worker.settle(id, 'cancel')).toBeNull();
	kill();
	expect(await (await load()).otherPatient()).toBeNull();
});

test('wherever a worker dies in “cancel”, the access is ended at the latest by the next one', async () => {
	let deaths = 0;
	for (let operations = 0; ; operations++) {
		const { worker, id, revoked } = await arrive();
		const died = killAfter(operations);
		const ended = await Promise.race([
			died,
			worker.settle(id, 'cancel').then(
				() => 'done',
				() => 'dead',
			),
		]);
		if (ended === 'done') kill();
		else deaths++;
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * MINUTE });
		const next = await load();
		await next.settleOldArrivals(Date.now());
		expect(new Set(revoked.map(({ token }) => token)), `after ${operations}`).toEqual(new Set(['rt-2']));
		expect(await arrivals()).toEqual([]);
		expect(await patients(next)).toContain('p1');
		await next.clearEverything();
		vi.useRealTimers();
		kill();
		if (ended === 'done') break;
	}
	expect(deaths).toBeGreaterThan(3);
});

test('wherever a worker dies in “add”, the patient has one connection or the choice is still there', async () => {
	let deaths = 0;
	for (let operations = 0; ; operations++) {
		const { worker, id } = await arrive();
		const died = killAfter(operations);
		const ended = await Promise.race([
			died,
			worker.settle(id, 'add').then(
				() => 'done',
				() => 'dead',
			),
		]);
		if (ended === 'done') kill();
		else deaths++;
		const next = await load();
		const waiting = await next.otherPatient();
		expect(await patients(next), `after ${operations}`).toEqual(waiting ? ['p1'] : ['p1', 'p2']);
		await next.settle(id, 'add');
		expect(await patients(next)).toEqual(['p1', 'p2']);
		await next.clearEverything();
		kill();
		if (ended === 'done') break;
	}
	expect(deaths).toBeGreaterThan(3);
});

// --- repairing in place -----------------------------------------------------------------------------------------

test('signing in again follows the directory: another client id, other keys, the same card', async () => {
	const worker = await load();
	const { state } = provider();
	const first = await signIn(worker);
	await worker.updateConnection(first?.id ?? '', { status: 'expired' });
	state.directory = [entry({ method: 'device-key' }, { clientId: 'app-2', name: 'Lakeside North', scope: 'openid' })];
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * MINUTE });
	const { url } = await worker.startConnect({ kind: 'reauthorize', connectionId: first?.id ?? '' }, '/', null);
	expect(new URL(url).searchParams.get('client_id')).toBe('app-2');
	expect(new URL(url).searchParams.get('scope')).toBe('openid');
	const again = await signIn(worker, { kind: 'reauthorize', connectionId: first?.id ?? '' });
	expect(await worker.listConnections()).toHaveLength(1);
	expect(again).toMatchObject({
		id: first?.id,
		connectedAt: first?.connectedAt,
		clientId: 'app-2',
		provider: { name: 'Lakeside North' },
		device: { clientId: 'device-1' },
		status: 'active',
	});
	const { entries } = await worker.listActivity(null, 10);
	expect(entries.map(({ what }) => what)).toContain('reauthorized');
});

test('a provider that lets anybody in again is not shown keys any more', async () => {
	const worker = await load();
	const { state } = provider({ directory: [entry({ method: 'device-key' })] });
	const first = await signIn(worker);
	expect(first?.device).toEqual({ clientId: 'device-1' });
	state.directory = [entry()];
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * MINUTE });
	const again = await signIn(worker, { kind: 'reauthorize', connectionId: first?.id ?? '' });
	expect(again).toMatchObject({ id: first?.id, device: null, refreshToken: 'rt-2' });
	expect(again?.clientAuth).toBeUndefined();
	expect((await rowsOnDisk()).some(({ key }) => Array.isArray(key) && key[0] === 'device-key')).toBe(false);
});

test('a provider that is not listed any more, or a server typed in by hand, is signed in to as before', async () => {
	const worker = await load();
	const { state } = provider();
	const listed = await signIn(worker);
	state.directory = [entry(undefined, { id: 'other', name: 'Other', clientId: 'app-9' })];
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * MINUTE });
	const again = await signIn(worker, { kind: 'reauthorize', connectionId: listed?.id ?? '' });
	expect(again).toMatchObject({ id: listed?.id, clientId: 'app-1', provider: { name: 'Lakeside' } });
	await worker.clearEverything();
	kill();
	const next = await load();
	const typed = await signIn(next, custom);
	const repaired = await signIn(next, { kind: 'reauthorize', connectionId: typed?.id ?? '' });
	expect(repaired).toMatchObject({ id: typed?.id, clientId: 'app-1', provider: { name: 'fhir.test' } });
	expect(repaired?.clientAuth).toBeUndefined();
});

test('a directory out of reach does not keep anybody from signing in again', async () => {
	const worker = await load();
	const { state } = provider();
	const first = await signIn(worker, custom);
	kill();
	state.odd = ({ url }) => (url.endsWith('/api/providers') ? json({}, { status: 503 }) : undefined);
	const next = await load();
	expect(await signIn(next, { kind: 'reauthorize', connectionId: first?.id ?? '' })).toMatchObject({ id: first?.id });
});

test('two sign-ins of one patient at the same moment are one connection', async () => {
	const worker = await load();
	provider();
	await Promise.all([signIn(worker), signIn(worker)]);
	expect(await worker.listConnections()).toHaveLength(1);
});

test('a connection removed while the person was away becomes a new one', async () => {
	const worker = await load();
	provider();
	const first = await signIn(worker);
	const { url } = await worker.startConnect({ kind: 'reauthorize', connectionId: first?.id ?? '' }, '/', null);
	await worker.removeConnection(first?.id ?? '');
	await (await worker.finishConnect(back(url))).rest;
	const [made] = await worker.listConnections();
	expect(made?.id).not.toBe(first?.id);
	expect(made?.patientId).toBe('p1');
});
