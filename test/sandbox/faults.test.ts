import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { authorize, connect, fhirGet, REDIRECT_URI, refresh } from './client.js';
import type { FaultAction } from './faults.js';
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

test('Retry-After can be a number or a date, for a while or for a share of the requests', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	const ask = (type: string) => fhirGet(sandbox, 'harbor', access_token, `${type}?patient=${patient}`);
	sandbox.faults.add(
		{ match: { endpoint: 'fhir', type: 'Goal' }, action: { status: 429, retryAfter: { seconds: 7 } } },
		{ match: { endpoint: 'fhir', type: 'Device' }, action: { status: 503, retryAfter: { seconds: 7, as: 'date' } } },
		{ match: { endpoint: 'fhir', type: 'Coverage', forMs: 40 }, action: { status: 429 } },
	);
	expect((await ask('Goal')).headers.get('retry-after')).toBe('7');
	const date = (await ask('Device')).headers.get('retry-after') ?? '';
	expect(Date.parse(date)).toBeGreaterThan(Date.now());
	expect((await ask('Coverage')).status).toBe(429);
	while ((await ask('Coverage')).status === 429) await new Promise((resolve) => setTimeout(resolve, 10));
	const some = async (seed: number, types: string[]) => {
		const match = { endpoint: 'fhir', share: 0.5, seed } as const;
		const end = sandbox.faults.add({ match, action: { status: 500 } });
		const failed: string[] = [];
		for (const type of types) if ((await ask(type)).status === 500) failed.push(type);
		end();
		return failed.sort();
	};
	const types = ['Condition', 'Procedure', 'Observation', 'Encounter', 'CarePlan', 'CareTeam', 'Immunization'];
	const first = await some(4, types);
	expect(first.length).toBeGreaterThan(0);
	expect(first.length).toBeLessThan(types.length);
	expect(await some(4, [...types].reverse())).toEqual(first);
	expect(await some(5, types)).not.toEqual(first);
});

test('next links can be broken in every way, and the entries stay as they are', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	const page = async (path: string) => {
		const response = await fhirGet(sandbox, 'harbor', access_token, path);
		if (response.status !== 200) return { status: response.status, entries: '', next: undefined };
		const text = await response.text();
		const { link } = JSON.parse(text) as { link: { relation: string; url: string }[] };
		return {
			status: 200,
			entries: /"entry":.*$/.exec(text)?.[0],
			next: link.find(({ relation }) => relation === 'next')?.url,
		};
	};
	const path = `Observation?patient=${patient}&_count=`;
	const whole = await page(`${path}2`);
	const spoiled = async (next: FaultAction['next'], from = `${path}2`) => {
		const end = sandbox.faults.add({ match: { endpoint: 'fhir' }, action: next ? { next } : {} });
		const first = await page(from);
		const second = first.next?.startsWith(sandbox.origin) ? await page(first.next) : undefined;
		end();
		return { first, second };
	};
	const url = `${sandbox.origin}/harbor/fhir/${path}2`;
	for (const kind of ['gone', 'elsewhere', 'invalid', 'self', 'again', 'round'] as const)
		expect((await spoiled(kind)).first.entries).toBe(whole.entries);
	expect((await spoiled('gone')).second?.status).toBe(404);
	expect((await spoiled('elsewhere')).first.next).toMatch(/^https:\/\/elsewhere\.invalid\//);
	expect(URL.canParse((await spoiled('invalid')).first.next ?? '')).toBe(false);
	expect((await spoiled('self')).first.next).toBe(url);
	const again = await spoiled('again');
	expect(new Set([url, again.first.next, again.second?.next]).size).toBe(3);
	expect(again.second?.entries).toBe(whole.entries);
	const empty = await spoiled('empty');
	expect([empty.first.entries, empty.second?.next === empty.first.next]).toEqual([undefined, false]);
	const last = (await spoiled('round', `${path}500`)).first.next;
	expect(last).toBe(`${sandbox.origin}/harbor/fhir/${path}500`);
	expect((await spoiled('round')).first.next).toBe(whole.next);
});

test('whatever is answered can be of another patient', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { reassign: true } });
	const get = async (path: string) => (await fhirGet(sandbox, 'harbor', access_token, path)).json();
	const { entry } = await get(`Condition?patient=${patient}`);
	expect(entry.length).toBeGreaterThan(0);
	for (const { resource } of entry) expect(resource.subject.reference).toBe('Patient/somebody-else');
	expect((await get(`Condition/${entry[0].resource.id}`)).subject.reference).toBe('Patient/somebody-else');
	expect((await get(`Patient/${patient}`)).id).toBe('somebody-else');
});

test('three gigabytes are answered without having them, and end when nobody takes them', async () => {
	const { access_token } = await connect(sandbox, 'harbor');
	const size = 3 * 2 ** 30;
	const take = async (as: 'length' | 'chunked' | 'gzip') => {
		sandbox.faults.reset();
		sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { flood: { octets: size, as } } });
		const response = await fhirGet(sandbox, 'harbor', access_token, 'Binary/any');
		let taken = 0;
		for await (const chunk of response.body ?? []) {
			taken += chunk.length;
			if (taken > 50_000_000) break;
		}
		return { headers: response.headers, taken };
	};
	const known = await take('length');
	expect(known.headers.get('content-length')).toBe(String(size));
	expect(known.taken).toBeGreaterThan(50_000_000);
	expect(sandbox.faults.counts('harbor').flooded).toBeLessThan(150_000_000);
	expect((await take('chunked')).headers.has('content-length')).toBe(false);
	const bomb = await take('gzip');
	expect(bomb.headers.get('content-encoding')).toBe('gzip');
	expect(bomb.taken).toBeGreaterThan(50_000_000);
	// What was taken off the wire for it is a thousandth.
	expect(sandbox.faults.counts('harbor').flooded).toBeLessThan(10_000_000);
	sandbox.faults.reset();
	const octets = 5_000_001;
	sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { flood: { octets, as: 'gzip' } } });
	expect((await (await fhirGet(sandbox, 'harbor', access_token, 'Binary/any')).arrayBuffer()).byteLength).toBe(octets);
});

test('an answer can stop in the middle, break there, or trickle', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	const ask = () => fhirGet(sandbox, 'harbor', access_token, `Patient/${patient}`);
	const whole = await (await ask()).text();
	const spoiled = async (action: FaultAction) => {
		const end = sandbox.faults.add({ match: { endpoint: 'fhir' }, action });
		return ask().finally(end);
	};
	const half = await (await spoiled({ truncate: true })).text();
	expect(half.length).toBeLessThan(whole.length);
	expect(whole.startsWith(half)).toBe(true);
	await expect((await spoiled({ cut: true })).text()).rejects.toThrow();
	const slow = await spoiled({ trickleMs: 1 });
	const sizes: number[] = [];
	for await (const chunk of slow.body ?? []) if (sizes.push(chunk.length) === 3) break;
	expect(Math.max(...sizes)).toBeLessThan(whole.length / 2);
});

test('access tokens can end in the middle of a run', async () => {
	const { access_token, patient } = await connect(sandbox, 'harbor');
	sandbox.faults.add({ match: { endpoint: 'fhir', nth: 2 }, action: { expireAccess: true } });
	const status = async () => (await fhirGet(sandbox, 'harbor', access_token, `Patient/${patient}`)).status;
	expect([await status(), await status(), await status()]).toEqual([200, 401, 401]);
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
