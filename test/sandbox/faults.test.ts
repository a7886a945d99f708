import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { authorize, connect, fhirGet, REDIRECT_URI, refresh } from './client.js';
import { type Sandbox, startSandbox } from './server.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ redirectUris: [REDIRECT_URI], recordBytes: 200_000, faults: true });
});
beforeEach(() => sandbox.faults.reset());
afterAll(() => sandbox.close());

const discovery = () => fetch(`${sandbox.origin}/harbor/fhir/.well-known/smart-configuration`);
const token = { endpoint: 'token' } as const;

test('a rule answers in the place of the server, for as often as it says', async () => {
	sandbox.faults.add({
		system: 'harbor',
		match: { endpoint: 'discovery', times: 1 },
		action: { status: 503, headers: { 'Retry-After': '7' } },
	});
	const first = await discovery();
	expect([first.status, first.headers.get('retry-after')]).toEqual([503, '7']);
	expect((await discovery()).status).toBe(200);
	expect(sandbox.faults.counts('harbor').requests.discovery).toBe(2);
	expect((await fetch(`${sandbox.origin}/lakeside/fhir/.well-known/smart-configuration`)).status).toBe(200);
});

test('only the n-th request of a type fails', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Condition', nth: 2 }, action: { status: 500 } });
	const status = async (type: string) =>
		(await fhirGet(sandbox, 'harbor', access_token, `${type}?patient=${patient}`)).status;
	expect([
		await status('Condition'),
		await status('Goal'),
		await status('Condition'),
		await status('Condition'),
	]).toEqual([200, 200, 500, 200]);
	expect(sandbox.faults.counts('harbor').types).toEqual({ Condition: 3, Goal: 1 });
});

test('the token response can be changed', async () => {
	sandbox.faults.add({
		match: token,
		action: { tokenPatch: { patient: null, expires_in: '3600', refresh_token: null } },
	});
	const tokens = await connect(sandbox, 'lakeside');
	expect(tokens).not.toHaveProperty('patient');
	expect(tokens).not.toHaveProperty('refresh_token');
	expect(tokens.expires_in).toBe('3600');
});

test('another patient on refresh, and a token endpoint that is down', async () => {
	const tokens = await connect(sandbox, 'lakeside');
	const end = sandbox.faults.add({ match: token, action: { status: 502, body: 'oops', contentType: 'text/html' } });
	await expect(refresh(sandbox, 'lakeside', tokens.refresh_token ?? '')).rejects.toThrow();
	end();
	sandbox.faults.add({ match: token, action: { tokenPatch: { patient: 'other' } } });
	expect((await refresh(sandbox, 'lakeside', tokens.refresh_token ?? '')).body.patient).toBe('other');
});

test('next links can lead elsewhere and searchsets can hold somebody else', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	sandbox.faults.add({
		match: { endpoint: 'fhir', type: 'Observation' },
		action: { nextOrigin: 'http://127.0.0.1:9', foreignPatient: true },
	});
	const bundle = await (
		await fhirGet(sandbox, 'harbor', access_token, `Observation?patient=${patient}&_count=2`)
	).json();
	expect(bundle.link[1].url).toMatch(/^http:\/\/127\.0\.0\.1:9\/harbor\/fhir\/Observation\?/);
	expect(bundle.entry[2].resource.subject.reference).toBe('Patient/somebody-else');
});

test('the issuer in the authorization response can be somebody else', async () => {
	sandbox.faults.add({ match: { endpoint: 'authorize' }, action: { iss: 'https://evil.example' } });
	const { callback } = await authorize(sandbox, 'harbor');
	expect(callback.searchParams.get('iss')).toBe('https://evil.example');
	expect(callback.searchParams.has('code')).toBe(true);
});

test('discovery can be a web page, huge, a loop or without CORS', async () => {
	const once = { endpoint: 'discovery', times: 1 } as const;
	const next = async (action: Parameters<typeof sandbox.faults.add>[0]['action']) => {
		const end = sandbox.faults.add({ match: once, action });
		return fetch(`${sandbox.origin}/harbor/fhir/.well-known/smart-configuration`, { redirect: 'manual' }).finally(end);
	};
	expect(await (await next({ html: true })).text()).toContain('<h1>');
	expect(await (await next({ huge: 5_000_000 })).text()).toHaveLength(5_000_000);
	expect((await next({ redirectLoop: true })).headers.get('location')).toBe(
		'/harbor/fhir/.well-known/smart-configuration',
	);
	expect((await next({ dropCors: true })).headers.get('access-control-allow-origin')).toBeNull();
	await expect(next({ reset: true })).rejects.toThrow();
	expect((await next({ delayMs: 5 })).headers.get('access-control-allow-origin')).toBe('*');
});

test('a request that hangs ends when the sandbox closes', async () => {
	const other = await startSandbox({ redirectUris: [REDIRECT_URI] });
	other.faults.add({ match: { endpoint: 'metadata' }, action: { hang: true } });
	const hanging = fetch(`${other.origin}/harbor/fhir/metadata`).then(
		() => 'answered',
		() => 'cut off',
	);
	while (!other.faults.counts('harbor').requests.metadata) await new Promise((resolve) => setImmediate(resolve));
	await other.close();
	expect(await hanging).toBe('cut off');
});

test('faults go over HTTP too, but only where they were allowed', async () => {
	const rules = [{ system: 'harbor', match: { endpoint: 'discovery' }, action: { status: 418 } }];
	const post = (origin: string) => fetch(`${origin}/_faults`, { method: 'POST', body: JSON.stringify({ rules }) });
	expect((await post(sandbox.origin)).status).toBe(200);
	expect((await discovery()).status).toBe(418);
	const counts = await (await fetch(`${sandbox.origin}/_faults?system=harbor`)).json();
	expect(counts.requests).toEqual({ discovery: 1 });
	await fetch(`${sandbox.origin}/_faults`, { method: 'DELETE' });
	expect((await discovery()).status).toBe(200);
	const closed = await startSandbox({ redirectUris: [REDIRECT_URI] });
	expect((await post(closed.origin)).status).toBe(404);
	await closed.close();
});
