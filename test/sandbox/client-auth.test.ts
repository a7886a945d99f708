import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Provider } from '../../relay/contract.js';
import { authorize, connect, REDIRECT_URI, refresh, systemOf, tokenRequest } from './client.js';
import { asParameters, claimsOf, relayKey, relayKeys, sign, tokenEndpointOf, wrong } from './client-keys.js';
import { publicHalf, signingKey } from './clients.js';
import { type Sandbox, startSandbox } from './server.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ ...relayKeys, redirectUris: [REDIRECT_URI], recordBytes: 200_000 });
});
beforeEach(() => sandbox.faults.reset());
afterAll(() => sandbox.close());

const confidential = ['foothills', 'maple', 'orchard'];

test('every system is an entry of a provider directory as it stands', () => {
	for (const system of sandbox.systems) {
		const parsed = v.safeParse(Provider, system);
		expect(parsed.success && parsed.output.clientAuth).toEqual(parsed.success && system.clientAuth);
		expect(parsed.success).toBe(true);
	}
	const methods = sandbox.systems.map(({ clientAuth }) => clientAuth?.method ?? 'none');
	expect(new Set(methods)).toEqual(new Set(['none', 'embedded-key', 'relay-signed', 'device-key']));
});

test.each(confidential)('%s says that its client is confidential, and how it signs', async (id) => {
	const url = `${systemOf(sandbox, id).fhirBaseUrl}/.well-known/smart-configuration`;
	const configuration = await (await fetch(url)).json();
	expect(configuration.token_endpoint_auth_methods_supported).toEqual(['private_key_jwt']);
	const [alg] = configuration.token_endpoint_auth_signing_alg_values_supported;
	expect(alg).toBe(id === 'foothills' ? 'ES384' : 'RS384');
	expect(configuration.capabilities).toContain('client-confidential-asymmetric');
	expect(configuration.capabilities).not.toContain('client-public');
});

test.each(confidential)('%s takes a signed assertion for the code and for each refresh', async (id) => {
	const tokens = await connect(sandbox, id);
	const { status, body } = await refresh(sandbox, id, tokens.refresh_token ?? '');
	expect([status, body.patient]).toEqual([200, sandbox.patientId(id, 'camila')]);
});

describe('a confidential client is refused with', () => {
	let first: { refresh_token?: string };
	beforeAll(async () => {
		first = await connect(sandbox, 'orchard');
	});
	const endpoint = () => tokenEndpointOf(systemOf(sandbox, 'orchard'));
	const claims = () => claimsOf('satchel-orchard', endpoint());
	const attempt = (form: Record<string, string>) => refresh(sandbox, 'orchard', first.refresh_token ?? '', form);

	test.each(wrong)('%s', async (_, change) => {
		const answer = await attempt(asParameters(await sign(change(claims(), endpoint()), relayKey)));
		expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
		expect(sandbox.faults.counts('orchard').refreshes).toBe(0);
	});

	test('another sub than the client_id beside it', async () => {
		const answer = await attempt(asParameters(await sign({ ...claims(), sub: 'somebody' }, relayKey)));
		expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
	});

	test('a jti that was used before', async () => {
		const once = asParameters(await sign(claims(), relayKey));
		const good = await attempt(once);
		expect(good.status).toBe(200);
		first = good.body;
		const answer = await attempt(once);
		expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
	});

	test('the signature of another key', async () => {
		const stranger = { ...signingKey('RS384'), kid: relayKey.kid };
		const answer = await attempt(asParameters(await sign(claims(), stranger)));
		expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
	});

	test('another algorithm', async () => {
		const { alg: _, ...anyAlg } = relayKey;
		for (const alg of ['RS256', 'RS512', 'PS384']) {
			const answer = await attempt(asParameters(await sign(claims(), anyAlg as typeof relayKey, alg)));
			expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
		}
	});

	test('no assertion at all', async () => {
		const form = {
			grant_type: 'refresh_token',
			client_id: 'satchel-orchard',
			refresh_token: first.refresh_token ?? '',
		};
		const response = await fetch(endpoint(), { method: 'POST', body: new URLSearchParams(form) });
		expect([response.status, (await response.json()).error]).toEqual([401, 'invalid_client']);
	});

	test('a rotated refresh token beside a missing assertion, which is then no replay', async () => {
		const form = {
			grant_type: 'refresh_token',
			client_id: 'satchel-orchard',
			refresh_token: first.refresh_token ?? '',
		};
		const renewed = await attempt({});
		await fetch(endpoint(), { method: 'POST', body: new URLSearchParams(form) });
		expect(sandbox.faults.counts('orchard')).toMatchObject({ replays: 0, familiesRevoked: 0 });
		first = renewed.body;
	});

	test('nothing of which costs the connection', async () => {
		expect((await attempt({})).status).toBe(200);
	});
});

describe('the relay’s keys', () => {
	test('are fetched from its jwks_uri when they are first needed', async () => {
		let asked = 0;
		const relay = createServer((_, res) => {
			asked++;
			res.setHeader('Content-Type', 'application/jwk-set+json').end(JSON.stringify({ keys: [publicHalf(relayKey)] }));
		});
		await new Promise<void>((resolve) => relay.listen(0, 'localhost', resolve));
		const app = `http://localhost:${(relay.address() as AddressInfo).port}`;
		const other = await startSandbox({ appOrigins: [app], redirectUris: [REDIRECT_URI], recordBytes: 200_000 });
		expect(asked).toBe(0);
		const tokens = await connect(other, 'orchard');
		expect((await refresh(other, 'orchard', tokens.refresh_token ?? '')).status).toBe(200);
		expect(asked).toBe(1);
		await other.close();
		relay.close();
	});

	test('that cannot be fetched make the client unknown, and cost nothing', async () => {
		const other = await startSandbox({
			clientJwksUri: 'http://localhost:1/jwks.json',
			redirectUris: [REDIRECT_URI],
			recordBytes: 200_000,
		});
		const { callback, verifier } = await authorize(other, 'orchard');
		const answer = await tokenRequest(other, 'orchard', {
			grant_type: 'authorization_code',
			code: callback.searchParams.get('code') ?? '',
			code_verifier: verifier,
			redirect_uri: REDIRECT_URI,
		});
		expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
		await other.close();
	});
});
