/** Each way of authenticating, from the directory to leaving, at a health system that is as strict as the strictest vendor. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { authorize } from '../../sandbox/client.js';
import { claimsOf, relayKey, relayKeys, sign } from '../../sandbox/client-keys.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { codeOf, json, kill, loopback, network, ORIGIN, outside, sent } from '../setup.js';
import { back, load, type Worker } from './provider.js';

let sandbox: Sandbox;
let slow: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 300_000, ...relayKeys });
	slow = await startSandbox({ appOrigins: [ORIGIN], recordBytes: 300_000, clockSkewSeconds: -7_200, ...relayKeys });
});
afterAll(async () => {
	await sandbox.close();
	await slow.close();
});

let relay: 'signs' | number = 'signs';
/** Requests that the app's own host answers. */
const asked: string[] = [];

/** The sandbox on loopback, and the app's host beside it: its directory, and a relay that signs. */
function world(at: Sandbox): void {
	const ehr = loopback(at.origin);
	network(async (request) => {
		const { origin, pathname } = new URL(request.url);
		if (origin !== ORIGIN) return ehr(request);
		asked.push(pathname);
		if (pathname === '/api/providers') return json({ providers: at.systems });
		if (pathname !== '/api/assertions') return new Response('', { status: 404 });
		if (relay !== 'signs') return json({}, { status: relay });
		const { clientId, tokenEndpoint } = (await request.json()) as { clientId: string; tokenEndpoint: string };
		return json({ assertion: await sign(claimsOf(clientId, tokenEndpoint), relayKey) });
	});
}

beforeEach(() => {
	sandbox.faults.reset();
	relay = 'signs';
	asked.length = 0;
	world(sandbox);
});

/** A person with a browser goes where the worker sends them. */
async function signIn(worker: Worker, id: string, at = sandbox): Promise<Connection> {
	const { url } = await worker.startConnect({ kind: 'provider', providerId: id }, '/connections', null);
	const params = Object.fromEntries(new URL(url).searchParams);
	const { callback } = await outside(() => authorize(at, id, { params }));
	await (await worker.finishConnect(callback.searchParams)).rest;
	const notice = await worker.currentNotice();
	expect(notice?.kind, JSON.stringify(notice)).toBe('connected');
	const [made] = await worker.listConnections();
	if (!made) throw new Error('no connection');
	return made;
}

const assertions = () => sent.flatMap(({ body }) => new URLSearchParams(body).get('client_assertion') ?? []);

test.each([
	['harbor', 'none', 0],
	['foothills', 'embedded-key', 3],
	['maple', 'embedded-key', 3],
])('%s (%s): signing in, renewing and leaving', async (id, method, shown) => {
	const worker = await load();
	const made = await signIn(worker, id);
	expect(made.clientAuth?.method ?? 'none').toBe(method);
	expect(made.refreshToken).not.toBeNull();
	const renewed = await worker.freshConnection(made.id, { rejected: made.accessToken });
	expect(renewed.accessToken).not.toBe(made.accessToken);
	await worker.removeConnection(made.id);
	expect(assertions()).toHaveLength(shown);
	expect(await worker.listConnections()).toEqual([]);
});

test('orchard (relay-signed): the app’s host signs each time, and its no or its outage never ends a connection', async () => {
	const worker = await load();
	const made = await signIn(worker, 'orchard');
	expect(made.clientAuth?.method).toBe('relay-signed');
	const renewed = await worker.freshConnection(made.id, { rejected: made.accessToken });
	// Before the redirect, with the code, with the refresh token.
	expect(asked.filter((path) => path === '/api/assertions')).toHaveLength(3);
	for (const [answer, code] of [
		[403, 'assertion_refused'],
		[429, 'relay_unavailable'],
		[503, 'relay_unavailable'],
	] as const) {
		relay = answer;
		expect(await codeOf(worker.freshConnection(made.id, { rejected: renewed.accessToken }))).toBe(code);
		expect(await worker.viewOne(made.id)).toMatchObject({ status: 'active', problem: { error: { code } } });
	}
	relay = 'signs';
	await worker.freshConnection(made.id, { rejected: renewed.accessToken });
	expect(await worker.viewOne(made.id)).toMatchObject({ status: 'active', problem: null });
});

test('a host that does not sign for a provider says so before anybody is sent there', async () => {
	const worker = await load();
	relay = 403;
	const target = { kind: 'provider', providerId: 'orchard' } as const;
	expect(await codeOf(worker.startConnect(target, '/connections', null))).toBe('assertion_refused');
});

test('cascade (device-key): a key of this device renews access, through the worker’s death, until it is removed', async () => {
	const worker = await load();
	const made = await signIn(worker, 'cascade');
	expect(made).toMatchObject({ refreshToken: null, device: { clientId: expect.any(String) } });
	expect(await worker.viewOne(made.id)).toMatchObject({ renewable: true, deviceBound: true });
	kill();
	const next = await load();
	world(sandbox);
	const renewed = await next.freshConnection(made.id, { rejected: made.accessToken });
	expect(renewed.accessToken).not.toBe(made.accessToken);
	const { tryAccess } = await import('../../../sw/wallet/patient.js');
	await tryAccess(renewed);
	await next.removeConnection(made.id);
	expect(await codeOf(tryAccess(renewed))).toBe('reauthorization_required');
});

test.each(['foothills', 'cascade'])('%s: a device whose clock is two hours ahead still gets in', async (id) => {
	const worker = await load();
	world(slow);
	const made = await signIn(worker, id, slow);
	const renewed = await worker.freshConnection(made.id, { rejected: made.accessToken });
	expect(renewed.status).toBe('active');
	expect(renewed.accessToken).not.toBe(made.accessToken);
});

test('a person who comes back with a no leaves nothing', async () => {
	const worker = await load();
	const { url } = await worker.startConnect({ kind: 'provider', providerId: 'cascade' }, '/connections', null);
	await worker.finishConnect(back(url, { error: 'access_denied' }));
	expect(await worker.listConnections()).toEqual([]);
});
