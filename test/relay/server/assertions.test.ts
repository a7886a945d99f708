import { decodeProtectedHeader, exportPKCS8 } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Provider, routes } from '../../../relay/contract.js';
import { assertionKeys } from '../../../relay/server/keys/assertion-keys.js';
import { ask, assertionOf, CLIENT, ENDPOINT, ec, own, ready, rsa, signed, verify } from './assertion-support.js';
import { expectProblem } from './support.js';

describe('an assertion', () => {
	test('verifies against the served keys, and says what RFC 7523 and SMART ask for', async () => {
		const setup = await ready();
		const answer = await ask(setup);
		expect(answer.headers.get('Cache-Control')).toBe('no-store');
		const assertion = await assertionOf(answer);
		expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS384', kid: rsa.kid, typ: 'JWT' });
		const payload = await verify(setup, assertion);
		const now = Math.floor(setup.clock.now() / 1000);
		expect(payload).toEqual({
			iss: CLIENT,
			sub: CLIENT,
			aud: ENDPOINT,
			iat: now - 20,
			nbf: now - 20,
			exp: now + 280,
			jti: expect.stringMatching(/^[\w-]{22,151}$/),
		});
	});

	test('is signed with ES384 where there is no RSA key', async () => {
		const setup = await ready({ assertionKeys: assertionKeys({ keys: [ec] }) });
		const assertion = await assertionOf(await ask(setup));
		expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES384', kid: ec.kid, typ: 'JWT' });
		await verify(setup, assertion);
	});

	test('is never the same twice', async () => {
		const setup = await ready();
		const asked = await Promise.all(Array.from({ length: 20 }, () => ask(setup)));
		const ids = await Promise.all(asked.map(async (answer) => (await verify(setup, await assertionOf(answer))).jti));
		expect(new Set(ids).size).toBe(20);
	});
});

describe('an assertion is refused', () => {
	test.each([
		['another client', { clientId: 'client-0f0e', tokenEndpoint: ENDPOINT }],
		['another endpoint', { clientId: CLIENT, tokenEndpoint: 'https://evil.example/token' }],
		[
			'an endpoint that only means the same',
			{ clientId: CLIENT, tokenEndpoint: 'https://FHIR.lakeside.example/oauth2/token' },
		],
		['an endpoint with a slash more', { clientId: CLIENT, tokenEndpoint: `${ENDPOINT}/` }],
		['a client with a blank more', { clientId: `${CLIENT} `, tokenEndpoint: ENDPOINT }],
		[
			'the client of one provider at the endpoint of another',
			{ clientId: CLIENT, tokenEndpoint: 'https://b.example/token' },
		],
		['a client that signs otherwise', { clientId: 'open', tokenEndpoint: 'https://c.example/token' }],
		['nobody', { clientId: '', tokenEndpoint: '' }],
	])('for %s', async (_, json) => {
		const other = { ...signed, id: 'b', clientId: 'other' };
		const setup = await ready({
			providers: [
				signed,
				{ ...other, clientAuth: { method: 'relay-signed', tokenEndpoint: 'https://b.example/token' } },
				{ ...other, id: 'c', clientId: 'open', clientAuth: { method: 'none' } },
				{ ...other, id: 'd', clientId: 'open', clientAuth: { method: 'device-key' } },
			],
		});
		await expectProblem(await ask(setup, { json }), 403, 'assertion_refused');
	});

	test('to a page whose name was turned to this machine', async () => {
		const { relay } = await ready();
		const evil = 'http://evil.example:8787';
		const body = JSON.stringify({ clientId: CLIENT, tokenEndpoint: ENDPOINT });
		const request = new Request(evil + routes.assertions, { method: 'POST', headers: { Origin: evil }, body });
		await expectProblem(await relay(request, { address: '127.0.0.1' }), 403, 'assertion_refused');
	});

	test.each([
		['another origin', { Origin: 'https://evil.example' }],
		['another origin of the same site', { Origin: 'http://sub.localhost:8787', 'Sec-Fetch-Site': 'same-site' }],
		['an opaque origin', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }],
		['nobody who says where they are', {}],
	])('to %s, and no cross-origin header lets them read even that', async (_, headers) => {
		const answer = await ask(await ready(), { headers });
		expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull();
		await expectProblem(answer, 403, 'assertion_refused');
	});

	test.each([
		['without the endpoint', { clientId: CLIENT }],
		['with a claim of its own', { clientId: CLIENT, tokenEndpoint: ENDPOINT, exp: 9_999_999_999 }],
		['with a list', [CLIENT, ENDPOINT]],
	])('as a request %s', async (_, json) => {
		await expectProblem(await ask(await ready(), { json }), 400, 'bad_request');
	});

	test('as a request of more than 16 KiB', async () => {
		const json = { clientId: CLIENT, tokenEndpoint: ENDPOINT, more: 'x'.repeat(17 * 1024) };
		await expectProblem(await ask(await ready(), { json }), 413, 'too_large');
	});

	test('as unavailable while there is no key', async () => {
		await expectProblem(await ask(await ready({ assertionKeys: [] })), 503, 'unavailable');
	});

	test('by any other method', async () => {
		const { call } = await ready();
		await expectProblem(await call('GET', routes.assertions, { headers: own }), 404, 'not_found');
	});
});

describe('the own origin', () => {
	test('is known by what the browser says of the request', async () => {
		const setup = await ready();
		// What asks without a referrer in same-origin mode has an opaque Origin (Fetch, "append a request `Origin` header").
		const headers = { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' };
		expect((await ask(setup, { headers })).status).toBe(200);
	});

	test('is the configured one behind a proxy, whatever address the request came to', async () => {
		const baseUrl = 'https://satchel.example';
		const setup = await ready({ baseUrl });
		const answer = await ask(setup, { headers: { Origin: baseUrl } });
		expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(baseUrl);
		expect(answer.status).toBe(200);
		await expectProblem(await ask(setup, { headers: own }), 403, 'assertion_refused');
	});
});

describe('assertions are limited', () => {
	test('for each address in each minute', async () => {
		const setup = await ready({ assertionsPerMinute: 2 });
		expect((await ask(setup, { address: '2001:db8:1:2::1' })).status).toBe(200);
		expect((await ask(setup, { address: '2001:db8:1:2::2' })).status).toBe(200);
		setup.clock.time += 20_000;
		const refused = await ask(setup, { address: '2001:db8:1:2::3' });
		expect(refused.headers.get('Retry-After')).toBe('40');
		await expectProblem(refused, 429, 'too_many_requests');
		expect((await ask(setup, { address: '2001:db8:1:3::1' })).status).toBe(200);
		setup.clock.time += 40_000;
		expect((await ask(setup, { address: '2001:db8:1:2::1' })).status).toBe(200);
	});

	test('for each address also while it guesses', async () => {
		const setup = await ready({ assertionsPerMinute: 1 });
		const json = { clientId: 'guess', tokenEndpoint: ENDPOINT };
		await expectProblem(await ask(setup, { json }), 403, 'assertion_refused');
		await expectProblem(await ask(setup, { json }), 429, 'too_many_requests');
	});

	test('for each client, whoever asks', async () => {
		const other: Provider = { ...signed, id: 'b', clientId: 'other' };
		const setup = await ready({ assertionsPerClient: 2, providers: [signed, other] });
		const from = (n: number, clientId = CLIENT) =>
			ask(setup, { address: `192.0.2.${n}`, json: { clientId, tokenEndpoint: ENDPOINT } });
		expect((await from(1)).status).toBe(200);
		expect((await from(2)).status).toBe(200);
		const refused = await from(3);
		expect(refused.headers.get('Retry-After')).toBe('60');
		await expectProblem(refused, 429, 'too_many_requests');
		expect((await from(4, 'other')).status).toBe(200);
	});

	test('for no client by requests of another site', async () => {
		const setup = await ready({ assertionsPerClient: 1, assertionsPerMinute: 1 });
		await ask(setup, { headers: { Origin: 'https://evil.example' } });
		expect((await ask(setup)).status).toBe(200);
	});
});

describe('the log', () => {
	test('of assertions holds no client, endpoint, assertion, key or address', async () => {
		const setup = await ready();
		const assertion = await assertionOf(await ask(setup));
		await ask(setup, { json: { clientId: CLIENT, tokenEndpoint: 'https://evil.example/token' } });
		await ask(setup, { headers: { Origin: 'https://evil.example' } });
		const keyless = await ready({ assertionKeys: [] });
		await ask(keyless);
		const lines = [...setup.lines, ...keyless.lines];
		expect(lines.map(({ fields }) => fields.status)).toEqual([200, 403, 403, 503]);
		const text = JSON.stringify(lines);
		const pem = (await exportPKCS8(setup.config.assertionKeys[0]!.key)).split('\n')[1]!;
		for (const secret of [
			CLIENT,
			'lakeside',
			'evil',
			assertion,
			assertion.split('.')[2]!,
			rsa.d!,
			rsa.kid!,
			pem,
			'192.0.2.1',
		]) {
			expect(text).not.toContain(secret);
		}
	});

	test('cannot hold a key even when the configuration is printed into it', async () => {
		const { config } = await ready();
		const printed = JSON.stringify(config);
		for (const secret of [rsa.d!, rsa.p!, ec.d!]) expect(printed).not.toContain(secret);
	});
});
