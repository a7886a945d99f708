import { expect, test, vi } from 'vitest';
import type { ConnectTarget } from '../../../sw/contract.js';
import { codeOf, json, kill, network, ORIGIN, rowsOnDisk, sent, textIn } from '../setup.js';

const BASE = 'https://fhir.test/r4';
const target: ConnectTarget = { kind: 'custom', fhirBaseUrl: `${BASE}/`, clientId: ' app-1 ' };
const SID = 'AAAAAAAAAAAAAAAAAAAAAA';

async function load() {
	const connect = await import('../../../sw/wallet/connect.js');
	const notices = await import('../../../sw/wallet/notices.js');
	const connections = await import('../../../sw/wallet/connections.js');
	/** The arrival with all that follows it, and what was put into a session. */
	const finishConnect = async (parameters: URLSearchParams) => {
		const included: { sid: string; connectionId: string }[] = [];
		const { returnTo, rest } = await connect.finishConnect(parameters, async (sid, connectionId) => {
			included.push({ sid, connectionId });
		});
		await rest;
		return { returnTo, include: included[0] ?? null };
	};
	const { listActivity } = await import('../../../sw/wallet/activity.js');
	return { ...connect, ...notices, ...connections, listActivity, finishConnect };
}

interface Provider {
	patient: string | undefined;
	tokens: object;
	/** Answers something else than usual. */
	odd?: (request: Request) => Response | undefined;
}

/** A provider whose every sign-in is `patient`; `revoked` collects tokens. */
function provider(given: Partial<Provider> = {}) {
	const state: Provider = { patient: 'p1', tokens: {}, ...given };
	const revoked: (string | null)[] = [];
	let n = 0;
	network(async (request) => {
		const odd = state.odd?.(request);
		if (odd) return odd;
		const { pathname } = new URL(request.url);
		if (pathname.endsWith('/smart-configuration'))
			return json({
				authorization_endpoint: 'https://auth.test/authorize',
				token_endpoint: 'https://auth.test/token',
				revocation_endpoint: 'https://auth.test/revoke',
			});
		if (pathname === '/revoke') {
			revoked.push(new URLSearchParams(await request.text()).get('token'));
			return new Response();
		}
		if (pathname === '/token') {
			if (!new URLSearchParams(await request.text()).get('code'))
				return json({ error: 'invalid_request' }, { status: 400 });
			n++;
			const { patient, tokens } = state;
			return json({
				access_token: `at-${n}`,
				refresh_token: `rt-${n}`,
				token_type: 'Bearer',
				patient,
				expires_in: 3600,
				...tokens,
			});
		}
		if (pathname.includes('/Patient/'))
			return json({ resourceType: 'Patient', name: [{ text: 'Camila Lopez' }], birthDate: '1987-09-12' });
		return new Response('', { status: 404 });
	});
	return { state, revoked };
}

type Worker = Awaited<ReturnType<typeof load>>;
const back = (url: string, parameters: Record<string, string> = { code: 'code-1' }) =>
	new URLSearchParams({ state: new URL(url).searchParams.get('state') ?? '', ...parameters });

async function connect(worker: Worker, to: ConnectTarget = target, sid: string | null = null) {
	const { url } = await worker.startConnect(to, '/connections', sid);
	return worker.finishConnect(back(url));
}

test('a trip there and back makes a connection', async () => {
	const worker = await load();
	provider();
	const { url, providerName } = await worker.startConnect(target, '/collect', null);
	expect(providerName).toBe('fhir.test');
	const { searchParams } = new URL(url);
	expect(searchParams.get('redirect_uri')).toBe(`${ORIGIN}/connect/callback`);
	expect(searchParams.get('client_id')).toBe('app-1');
	expect(searchParams.get('aud')).toBe(BASE);
	expect(await worker.finishConnect(back(url))).toEqual({ returnTo: '/collect', include: null });
	const [made] = await worker.listConnections();
	expect(made).toMatchObject({
		fhirBaseUrl: BASE,
		patientId: 'p1',
		patient: { name: 'Camila Lopez', birthDate: '1987-09-12' },
		refreshToken: 'rt-1',
		status: 'active',
		newForSession: null,
	});
	expect(await worker.currentNotice()).toMatchObject({ kind: 'connected', connectionId: made?.id });
});

test('the trip survives the worker’s death, and its secrets are not on disk in plaintext', async () => {
	provider();
	const { url } = await (await load()).startConnect(target, '/connections', null);
	const { searchParams } = new URL(url);
	kill();
	const text = (await rowsOnDisk()).map(({ key, value }) => JSON.stringify(key) + textIn(value)).join('\n');
	for (const name of ['state', 'nonce']) expect(text).not.toContain(searchParams.get(name));
	const worker = await load();
	await worker.finishConnect(back(url));
	expect(await worker.listConnections()).toHaveLength(1);
	const after = (await rowsOnDisk()).map(({ value }) => textIn(value)).join('\n');
	for (const secret of ['at-1', 'rt-1', 'Camila', '"p1"']) expect(after).not.toContain(secret);
});

test('a state works once: reload, back and a second tab find it used', async () => {
	const worker = await load();
	provider();
	const { url } = await worker.startConnect(target, '/connections', null);
	await Promise.all([worker.finishConnect(back(url)), worker.finishConnect(back(url))]);
	expect(await worker.listConnections()).toHaveLength(1);
	expect(sent.filter(({ body }) => body.includes('code=code-1'))).toHaveLength(1);
	await worker.finishConnect(back(url));
	expect(await worker.currentNotice()).toMatchObject({
		kind: 'error',
		error: { code: 'state_unknown' },
		providerName: null,
	});
});

test.each<Record<string, string>>([{}, { state: '' }, { state: 'x' }, { state: 'A'.repeat(43) }])(
	'an answer nobody asked for is refused: %j',
	async (parameters) => {
		const worker = await load();
		provider();
		const query = new URLSearchParams({ code: 'evil', ...parameters });
		expect(await worker.finishConnect(query)).toEqual({ returnTo: '/connections', include: null });
		expect(await worker.currentNotice()).toMatchObject({ error: { code: 'state_unknown' } });
		expect(sent).toHaveLength(0);
	},
);

test('a trip that took longer than an hour is over', async () => {
	const worker = await load();
	provider();
	const { url } = await worker.startConnect(target, '/connections', null);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 });
	await worker.finishConnect(back(url));
	expect(await worker.currentNotice()).toMatchObject({ error: { code: 'state_unknown' } });
	expect(await worker.listConnections()).toEqual([]);
});

test('trips that nobody came back from are forgotten', async () => {
	const worker = await load();
	provider();
	await worker.startConnect(target, '/connections', null);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 });
	await worker.startConnect(target, '/connections', null);
	expect((await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'trip')).toHaveLength(1);
});

test.each([
	['//evil.test', '/connections'],
	['https://evil.test/', '/connections'],
	['/\\evil.test', '/connections'],
	['/connect/callback', '/connections'],
	['/connect/callback?code=1', '/connections'],
	['/connections/../connect/callback', '/connections'],
	['/connections\n', '/connections'],
	['javascript:alert(1)', '/connections'],
	['', '/connections'],
	['/', '/'],
	['/collect', '/collect'],
	[`/connect/${SID}`, `/connect/${SID}`],
	[`/connect/${SID}/select`, `/connect/${SID}/select`],
])('a return to %j leads to %s', async (asked, led) => {
	const worker = await load();
	provider();
	const { url } = await worker.startConnect(target, asked, null);
	expect((await worker.finishConnect(back(url))).returnTo).toBe(led);
});

test('the same patient at the same provider repairs the card that is there', async () => {
	const worker = await load();
	const { revoked } = provider();
	await connect(worker);
	const [first] = await worker.listConnections();
	await worker.updateConnection(first?.id ?? '', { status: 'expired' });
	await connect(worker);
	const all = await worker.listConnections();
	expect(all).toHaveLength(1);
	expect(all[0]).toMatchObject({
		id: first?.id,
		connectedAt: first?.connectedAt,
		refreshToken: 'rt-2',
		status: 'active',
		problem: null,
	});
	expect(await worker.currentNotice()).toMatchObject({ kind: 'reauthorized', connectionId: first?.id });
	// Servers that keep one grant for each person and app would end the new one too.
	expect(revoked).toEqual([]);
});

test('a new grant without a refresh token does not keep the old one', async () => {
	const worker = await load();
	const { state } = provider();
	await connect(worker);
	state.tokens = { refresh_token: undefined };
	await connect(worker);
	expect(await worker.listConnections()).toMatchObject([{ refreshToken: null, accessToken: 'at-2' }]);
});

test('two patients at one provider are two connections', async () => {
	const worker = await load();
	const { state } = provider();
	await connect(worker);
	state.patient = 'p2';
	await connect(worker);
	expect((await worker.listConnections()).map(({ patientId }) => patientId).sort()).toEqual(['p1', 'p2']);
});

test('the same patient id at another server is somebody else', async () => {
	const worker = await load();
	provider();
	await connect(worker);
	await connect(worker, { kind: 'custom', fhirBaseUrl: 'https://other.test/r4', clientId: 'app-1' });
	expect((await worker.listConnections()).map(({ fhirBaseUrl }) => fhirBaseUrl).sort()).toEqual([
		BASE,
		'https://other.test/r4',
	]);
});

test('re-authorizing by the same patient repairs the card, whatever became of its status', async () => {
	const worker = await load();
	provider();
	await connect(worker);
	const [{ id } = { id: '' }] = await worker.listConnections();
	await worker.updateConnection(id, { status: 'expired', accessToken: '', refreshToken: null });
	await connect(worker, { kind: 'reauthorize', connectionId: id });
	expect(await worker.listConnections()).toMatchObject([{ id, status: 'active', refreshToken: 'rt-2' }]);
});

test('a connection made in a session belongs to it and is included', async () => {
	const worker = await load();
	provider();
	const arrival = await connect(worker, target, SID);
	const [made] = await worker.listConnections();
	expect(made?.newForSession).toBe(SID);
	expect(arrival.include).toEqual({ sid: SID, connectionId: made?.id });
});

test('a saved connection that is repaired within a session stays saved', async () => {
	const worker = await load();
	provider();
	await connect(worker);
	await connect(worker, target, SID);
	expect(await worker.listConnections()).toMatchObject([{ newForSession: null }]);
});

test.each([
	[{ error: 'access_denied' }, {}, 'access_denied'],
	[{ error: 'server_error' }, {}, 'provider_unavailable'],
	[{ code: 'c' }, { patient: undefined }, 'patient_missing'],
	[{ code: 'c' }, { tokens: { access_token: undefined } }, 'token_response_invalid'],
])('what went wrong is a notice where the person started: %j %j', async (parameters, given, code) => {
	const worker = await load();
	provider(given);
	const { url } = await worker.startConnect(target, `/connect/${SID}`, SID);
	expect(await worker.finishConnect(back(url, parameters))).toEqual({ returnTo: `/connect/${SID}`, include: null });
	const notice = await worker.currentNotice();
	expect(notice).toMatchObject({ kind: 'error', error: { code }, providerName: 'fhir.test' });
	expect(await worker.listConnections()).toEqual([]);
	expect((await worker.listActivity(null, 5)).entries).toMatchObject([
		{ what: 'connect_failed', code, providerName: 'fhir.test', connectionId: null },
	]);
	await worker.dismissNotice('another');
	expect(await worker.currentNotice()).toEqual(notice);
	await worker.dismissNotice(notice?.id ?? '');
	expect(await worker.currentNotice()).toBeNull();
});

test('a token endpoint that a browser cannot read is found out before the redirect', async () => {
	const worker = await load();
	provider({
		odd: (request) => {
			if (new URL(request.url).pathname !== '/token' || request.mode === 'no-cors') return undefined;
			throw new TypeError('CORS');
		},
	});
	expect(await codeOf(worker.startConnect(target, '/connections', null))).toBe('cors');
	expect((await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'trip')).toEqual([]);
});

test('a Patient that cannot be read does not stand in the way', async () => {
	const worker = await load();
	provider({ odd: ({ url }) => (url.includes('/Patient/') ? new Response('', { status: 403 }) : undefined) });
	await connect(worker);
	expect(await worker.listConnections()).toMatchObject([{ patient: null, status: 'active' }]);
});

test.each<[ConnectTarget, string]>([
	[{ kind: 'custom', fhirBaseUrl: BASE, clientId: '  ' }, 'client_id_missing'],
	[{ kind: 'custom', fhirBaseUrl: 'http://fhir.test', clientId: 'a' }, 'url_insecure'],
	[{ kind: 'reauthorize', connectionId: 'gone' }, 'connection_unknown'],
])('a target that cannot be: %j', async (wanted, code) => {
	const worker = await load();
	expect(await codeOf(worker.startConnect(wanted, '/connections', null))).toBe(code);
	expect(sent).toHaveLength(0);
});
