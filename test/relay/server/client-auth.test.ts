import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { assertionKeys } from '../../../relay/server/keys/assertion-keys.js';
import { makeRsaKey } from '../../../relay/server/keys/keygen/make.js';
import type { Registration } from '../../../sw/smart/client.js';
import { claimsProblem } from '../../sandbox/oauth/assertions.js';
import { network, ORIGIN, sent } from '../../sw/setup.js';
import { registration as registered } from '../../sw/smart/support.js';
import { setUp } from './support.js';

const ENDPOINT = 'https://auth.test/token';
const clientAuth = { method: 'relay-signed', tokenEndpoint: ENDPOINT } as const;
const registration: Registration = { ...registered(), clientAuth };
const { clientId: CLIENT, fhirBaseUrl } = registration;

let rsa: JWK;
beforeAll(async () => {
	rsa = await makeRsaKey(2048);
});

/** A relay at the wallet's own origin, and a token endpoint that answers with whatever the test says. */
async function world(
	given: Parameters<typeof setUp>[0] = {},
	grant: object = { access_token: 'a', token_type: 'bearer' },
) {
	const setup = await setUp({
		baseUrl: ORIGIN,
		providers: [{ id: 'a', name: 'A', fhirBaseUrl, clientId: CLIENT, clientAuth }],
		assertionKeys: assertionKeys({ keys: [rsa] }),
		...given,
	});
	network(async (request) => {
		if (request.url === ENDPOINT) return Response.json(grant);
		// As a browser does with every POST.
		const headers = new Headers({ ...Object.fromEntries(request.headers), Origin: ORIGIN });
		const body = await request.arrayBuffer();
		return setup.relay(new Request(request.url, { method: request.method, headers, body }), { address: '192.0.2.1' });
	});
	return setup;
}

const refresh = async (at: Registration = registration) =>
	(await import('../../../sw/smart/token.js')).refreshRequest(at, 'the-refresh-token');
const lastTo = (url: string) => sent.findLast((request) => request.url === url);

describe('the wallet at a provider that wants its client signed for', () => {
	test('shows an assertion of the relay that the strictest server takes', async () => {
		const setup = await world();
		await refresh();
		const form = new URLSearchParams(lastTo(ENDPOINT)?.body);
		expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
		expect(form.get('client_id')).toBe(CLIENT);
		const served = createLocalJWKSet(await (await setup.call('GET', routes.jwks)).json());
		const now = setup.clock.now() / 1000;
		const { payload } = await jwtVerify(form.get('client_assertion')!, served, { currentDate: new Date(now * 1000) });
		expect(claimsProblem(payload, { clientId: CLIENT, audiences: [ENDPOINT], now })).toBeNull();
	});

	test('shows the relay no token', async () => {
		await world();
		await refresh();
		const asked = lastTo(`${ORIGIN}${routes.assertions}`);
		expect(JSON.parse(asked!.body)).toEqual({ clientId: CLIENT, tokenEndpoint: ENDPOINT });
		expect(JSON.stringify([asked, [...asked!.headers]])).not.toContain('the-refresh-token');
		expect(new URLSearchParams(lastTo(ENDPOINT)?.body).get('refresh_token')).toBe('the-refresh-token');
	});

	test.each<[string, Parameters<typeof setUp>[0], string]>([
		['refuses the pair', { providers: [] }, 'assertion_refused'],
		['has no key', { assertionKeys: [] }, 'relay_unavailable'],
	])('is told when the relay %s, and sends the provider nothing', async (_, given, code) => {
		await world(given);
		const before = sent.length;
		await expect(refresh()).rejects.toMatchObject({ code });
		expect(sent.slice(before).map(({ url }) => url)).toEqual([`${ORIGIN}${routes.assertions}`]);
	});

	test('learns from the relay when to ask again', async () => {
		await world({ assertionsPerMinute: 1 });
		await refresh();
		const before = Date.now();
		const refused = await refresh().catch((error: unknown) => error);
		expect(refused).toMatchObject({ code: 'relay_unavailable' });
		expect((refused as { retryAt: number }).retryAt).toBeGreaterThan(before);
	});

	test('asks for no assertion that would go to another endpoint than the directory names', async () => {
		await world();
		const before = sent.length;
		const elsewhere = {
			...registration,
			config: { ...registration.config, tokenEndpoint: 'https://evil.example/token' },
		};
		await expect(refresh(elsewhere)).rejects.toMatchObject({ code: 'assertion_refused' });
		expect(sent).toHaveLength(before);
	});
});
