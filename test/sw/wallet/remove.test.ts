import { generateKeyPair } from 'jose';
import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { json, kill, network, ORIGIN, rowsOnDisk, sent, setOnline } from '../setup.js';
import { back, entry, load, provider, signIn } from './provider.js';
import { connection, rotating } from './support.js';

const HOUR = 3_600_000;
const revocations = () =>
	sent.filter(({ url }) => url.endsWith('/revoke')).map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
const kinds = async () => (await rowsOnDisk()).map(({ key }) => String((key as unknown[])[0])).sort();

async function start(change: Partial<Connection> = {}) {
	const worker = await load();
	await worker.addConnection(connection(change));
	network(() => new Response());
	return worker;
}

// --- what is asked of the provider ------------------------------------------------------------------------------

test('the refresh token is ended where there is one, else the access token', async () => {
	await (await start()).removeConnection('c1');
	await (await start({ refreshToken: null })).removeConnection('c1');
	expect(revocations()).toEqual([
		{ token: 'rt-0', token_type_hint: 'refresh_token', client_id: 'satchel-client' },
		{ token: 'at-0', token_type_hint: 'access_token', client_id: 'satchel-client' },
	]);
});

test('a confidential client authenticates to revoke', async () => {
	const worker = await start({ clientAuth: { method: 'relay-signed', tokenEndpoint: 'https://auth.test/token' } });
	network(({ url }) => (url.startsWith(ORIGIN) ? json({ assertion: 'a.b.c' }) : new Response()));
	await worker.removeConnection('c1');
	expect(revocations()).toMatchObject([{ token: 'rt-0', client_assertion: 'a.b.c' }]);
});

test('this device’s own client ends its access with its key, and the key is deleted', async () => {
	const worker = await load();
	provider({ directory: [entry({ method: 'device-key' })], tokens: { refresh_token: undefined } });
	const made = await signIn(worker);
	await worker.freshConnection(made?.id ?? '', { rejected: 'at-1' });
	expect(await kinds()).toContain('device-key');
	await worker.removeConnection(made?.id ?? '');
	expect(revocations()).toMatchObject([{ token: 'dt-2', client_id: 'device-1', token_type_hint: 'access_token' }]);
	expect(revocations()[0]?.client_assertion).toMatch(/^ey/);
	expect(await kinds()).not.toContain('device-key');
	expect(await kinds()).not.toContain('connection');
});

test('an expired connection that still holds a token asks as well; one that holds nothing does not', async () => {
	await (await start({ status: 'expired' })).removeConnection('c1');
	expect(revocations()).toMatchObject([{ token: 'rt-0' }]);
	sent.length = 0;
	await (await start({ status: 'expired', accessToken: '', refreshToken: null })).removeConnection('c1');
	expect(sent).toEqual([]);
});

test('who removes a connection hears whether the provider confirmed the end of access', async () => {
	const remove = async (status: number, change: Partial<Connection> = {}) => {
		const worker = await start(change);
		network(() => new Response(null, { status }));
		return worker.removeConnection('c1');
	};
	const { config, provider } = connection();
	expect(await remove(200)).toEqual([]);
	expect(await remove(500)).toEqual([provider.name]);
	expect(await remove(200, { config: { ...config, revocationEndpoint: null } })).toEqual([provider.name]);
	// Nothing is open where it has ended before.
	expect(await remove(500, { status: 'expired' })).toEqual([]);
	const worker = await start();
	network(() => new Response(null, { status: 503 }));
	expect(await worker.clearEverything()).toEqual([provider.name]);
});

test('the token that a refresh under way brings is the one that is ended', async () => {
	const worker = await start();
	let answer: () => void = () => {};
	network(async ({ url }) => {
		if (!url.endsWith('/token')) return new Response();
		await new Promise<void>((resolve) => (answer = resolve));
		return json({ access_token: 'at-1', refresh_token: 'rt-1', token_type: 'Bearer', expires_in: 3600 });
	});
	const refreshing = worker.freshConnection('c1');
	await vi.waitUntil(() => sent.length === 1, { timeout: 20_000 });
	const removing = worker.removeConnection('c1');
	answer();
	await Promise.all([refreshing, removing]);
	expect(revocations()).toMatchObject([{ token: 'rt-1' }]);
	expect(await worker.listConnections()).toEqual([]);
});

test('a token that could not be written down until now is the one that is ended, and is kept no longer', async () => {
	const worker = await start();
	const { keep, hasUnsaved } = await import('../../../sw/wallet/unsaved.js');
	let full = true;
	const write = async () => {
		if (full) throw new DOMException('full', 'QuotaExceededError');
		await worker.updateConnection('c1', { refreshToken: 'rt-9' });
	};
	const held = { registration: connection(), tokens: { accessToken: 'at-9', refreshToken: 'rt-9' } };
	await keep('c1', write, held).catch(() => undefined);
	full = false;
	await worker.removeConnection('c1');
	expect(revocations()).toMatchObject([{ token: 'rt-9' }]);
	expect(hasUnsaved()).toBe(false);
});

// --- whatever it answers ----------------------------------------------------------------------------------------

test.each<[string, Partial<Connection>, () => Response | Promise<Response>]>([
	['200', {}, () => new Response()],
	['400', {}, () => json({ error: 'unsupported_token_type' }, { status: 400 })],
	['503', {}, () => new Response('', { status: 503 })],
	['a network that fails', {}, () => Promise.reject(new TypeError('down'))],
	[
		'no assertion to show',
		{ clientAuth: { method: 'embedded-key', key: { kty: 'RSA', kid: 'k' } } },
		() => new Response(),
	],
])('a connection is gone with everything beside it after %s', async (_what, change, answer) => {
	const worker = await start(change);
	network(answer);
	await worker.removeConnection('c1');
	expect(await worker.listConnections()).toEqual([]);
	expect((await worker.listActivity(null, 5)).entries).toMatchObject([
		{ what: 'removed', connectionId: 'c1', providerName: 'Lakeside' },
	]);
	kill();
	expect(await (await load()).listConnections()).toEqual([]);
});

test('a provider that never answers is waited for ten seconds, and the connection is gone before', async () => {
	const worker = await start();
	const limits: number[] = [];
	const timeout = AbortSignal.timeout.bind(AbortSignal);
	vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
		limits.push(ms);
		// The revocation's own limit comes at once.
		return ms === 10_000 ? AbortSignal.abort(new DOMException('late', 'TimeoutError')) : timeout(ms);
	});
	network(() => new Promise<Response>(() => {}));
	await worker.removeConnection('c1');
	expect(limits).toContain(10_000);
	expect(await worker.listConnections()).toEqual([]);
});

test('without a revocation endpoint, and offline, removing works all the same', async () => {
	const { config } = connection();
	const worker = await start({ config: { ...config, revocationEndpoint: null } });
	await worker.removeConnection('c1');
	expect(sent).toEqual([]);
	await worker.addConnection(connection({ id: 'c2' }));
	setOnline(false);
	await worker.removeConnection('c2');
	expect(await worker.listConnections()).toEqual([]);
});

test('nothing that was under way brings a removed connection back', async () => {
	const worker = await start({ accessExpiresAt: Date.now() + HOUR });
	const { readPatient } = await import('../../../sw/wallet/patient.js');
	const { afterGrant } = await import('../../../sw/wallet/grant.js');
	const made = connection({ accessExpiresAt: Date.now() + HOUR, device: 'wanted' });
	let answer: () => void = () => {};
	network(async ({ url }) => {
		if (!url.includes('/Patient/')) return new Response();
		await new Promise<void>((resolve) => (answer = resolve));
		return json({ resourceType: 'Patient', name: [{ text: 'Camila' }] });
	});
	const reading = readPatient(made);
	await vi.waitUntil(() => sent.length === 1, { timeout: 20_000 });
	await worker.removeConnection('c1');
	answer();
	await reading;
	await afterGrant({ connection: made, repaired: false });
	expect(await worker.listConnections()).toEqual([]);
	expect(await kinds()).not.toContain('device-key');
});

// --- jobs -------------------------------------------------------------------------------------------------------

test('leaving a provider deletes the jobs that hold what was read there, and no others', async () => {
	const worker = await start({ accessExpiresAt: Date.now() + HOUR });
	await worker.addConnection(connection({ id: 'c2', accessExpiresAt: Date.now() + HOUR }));
	const { startCollect } = await import('../../../sw/jobs/start.js');
	const { listJobs } = await import('../../../sw/jobs/store.js');
	await startCollect('job-1', ['c1', 'c2']);
	await startCollect('job-2', ['c2']);
	await worker.leaveConnection('c1');
	expect((await listJobs()).map(({ sources }) => sources.map(({ connectionId }) => connectionId))).toEqual([['c2']]);
	expect((await worker.listConnections()).map(({ id }) => id)).toEqual(['c2']);
});

// --- everything -------------------------------------------------------------------------------------------------

test('Clear All ends every access and leaves no row: connections, device keys, arrivals, jobs, activity, the vault’s key', async () => {
	const worker = await load();
	const { state, revoked } = provider({
		directory: [entry(), entry({ method: 'device-key' }, { id: 'own', name: 'Own' })],
	});
	const first = await signIn(worker);
	state.patient = 'p2';
	state.tokens = { refresh_token: undefined };
	await signIn(worker, { kind: 'provider', providerId: 'own' });
	state.patient = 'p3';
	state.tokens = {};
	await signIn(worker, { kind: 'reauthorize', connectionId: first?.id ?? '' });
	const { startCollect } = await import('../../../sw/jobs/start.js');
	await startCollect('job-1', [first?.id ?? '']);
	expect(new Set(await kinds())).toEqual(
		new Set(['activity', 'arrival', 'connection', 'device-key', 'job', 'notice', 'providers', 'vault']),
	);
	await worker.clearEverything();
	expect(await rowsOnDisk()).toEqual([]);
	expect(revoked.map(({ token }) => token).sort()).toEqual(['at-2', 'rt-1', 'rt-3']);
	// The page asks how things stand at once.
	expect(await worker.overview()).toMatchObject({ connections: [], otherPatient: null, jobs: [], unsaved: false });
	await worker.settleOldArrivals(Date.now());
	expect(await rowsOnDisk()).toEqual([]);
});

test('Clear All does not wait for a provider before it deletes', async () => {
	const worker = await start();
	let rows = -1;
	network(async () => {
		rows = (await rowsOnDisk()).length;
		return new Response();
	});
	await worker.clearEverything();
	expect(rows).toBe(0);
});

test('a refresh under way during Clear All leaves nothing behind, and what it brought is ended', async () => {
	const worker = await start();
	let answer: () => void = () => {};
	network(async ({ url }) => {
		if (!url.endsWith('/token')) return new Response();
		await new Promise<void>((resolve) => (answer = resolve));
		return json({ access_token: 'at-1', refresh_token: 'rt-1', token_type: 'Bearer', expires_in: 3600 });
	});
	const refreshing = worker.freshConnection('c1').catch(() => undefined);
	await vi.waitUntil(() => sent.length === 1, { timeout: 20_000 });
	await worker.clearEverything();
	answer();
	await refreshing;
	expect(await rowsOnDisk()).toEqual([]);
	expect(revocations().map(({ token }) => token)).toEqual(['rt-0', 'rt-1']);
});

test.each(['with tokens', 'with a no'])(
	'a sign-in that is answered %s after Clear All makes nothing, and its access is ended',
	async (how) => {
		const worker = await load();
		const { state, revoked } = provider();
		let answer: () => void = () => {};
		const { url } = await worker.startConnect({ kind: 'provider', providerId: 'lake' }, '/connections', null);
		state.odd = async (_request, form) => {
			if (!form.get('code')) return undefined;
			await new Promise<void>((resolve) => (answer = resolve));
			return how === 'with a no' ? json({ error: 'invalid_grant' }, { status: 400 }) : undefined;
		};
		const finishing = worker.finishConnect(back(url));
		await vi.waitUntil(() => sent.some(({ body }) => body.includes('code=')), { timeout: 20_000 });
		await worker.clearEverything();
		answer();
		await (await finishing).rest;
		expect(await rowsOnDisk()).toEqual([]);
		expect(revoked.map(({ token }) => token)).toEqual(how === 'with a no' ? [] : ['rt-1']);
	},
);

/** A disk that takes nothing more. */
function fillDisk() {
	vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
		throw new DOMException('full', 'QuotaExceededError');
	});
}

/** A connection whose last answer is in memory alone. */
async function unsavedRefresh() {
	const worker = await start();
	const server = rotating();
	network(async (request) => {
		if (!request.url.endsWith('/token')) return new Response();
		const response = await server.respond(request);
		fillDisk();
		return response;
	});
	await worker.freshConnection('c1').catch(() => undefined);
	expect(worker.hasUnsaved()).toBe(true);
	return worker;
}

test('tokens that are in memory alone are ended by Clear All, and by removing their connection', async () => {
	const worker = await unsavedRefresh();
	await worker.clearEverything();
	expect(revocations().map(({ token }) => token)).toEqual(['rt-0', 'rt-1']);
	expect(worker.hasUnsaved()).toBe(false);
	vi.restoreAllMocks();
	expect(await rowsOnDisk()).toEqual([]);
	kill();
	sent.length = 0;
	await (await unsavedRefresh()).removeConnection('c1');
	expect(revocations().map(({ token }) => token)).toEqual(['rt-0', 'rt-1']);
});

test('a sign-in that is in memory alone is ended by Clear All, and by nobody after a backup', async () => {
	for (const leave of ['clearEverything', 'forgetEverything'] as const) {
		const worker = await load();
		const { revoked } = provider();
		const { url } = await worker.startConnect({ kind: 'provider', providerId: 'lake' }, '/connections', null);
		fillDisk();
		await worker.finishConnect(back(url));
		expect(worker.hasUnsaved()).toBe(true);
		await worker[leave]();
		vi.restoreAllMocks();
		expect(revoked.map(({ token }) => token)).toEqual(leave === 'clearEverything' ? ['rt-1'] : []);
		expect(await rowsOnDisk()).toEqual([]);
		kill();
	}
});

test('forgetting after a backup ends no access', async () => {
	const worker = await start();
	await worker.forgetEverything();
	expect(await rowsOnDisk()).toEqual([]);
	expect(sent).toEqual([]);
});

test('a confidential client with a key of the directory revokes with an assertion of it', async () => {
	const { privateKey } = await generateKeyPair('ES384', { extractable: true });
	const key = { ...(await crypto.subtle.exportKey('jwk', privateKey)), kty: 'EC' as const, kid: 'k' };
	const worker = await start({ clientAuth: { method: 'embedded-key', key } });
	await worker.removeConnection('c1');
	expect(revocations()[0]?.client_assertion).toMatch(/^ey/);
});
