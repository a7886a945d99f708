import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, fhirGet, oauthOf, REDIRECT_URI, systemOf, tokenRequest } from './client.js';
import { claimsOf, sign, tokenEndpointOf, wrong } from './client-keys.js';
import { publicHalf, signingKey } from './clients.js';
import { type Sandbox, startSandbox } from './server.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ clientKeys: [], redirectUris: [REDIRECT_URI], recordBytes: 200_000 });
});
beforeEach(() => sandbox.faults.reset());
afterAll(() => sandbox.close());

describe('a key of the device', () => {
	const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
	const deviceKey = signingKey('RS384');
	const endpoint = () => tokenEndpointOf(systemOf(sandbox, 'cascade'));

	const post = (id: string, token: string, body: unknown) =>
		fetch(`${oauthOf(systemOf(sandbox, id))}/register`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
	// Without `alg`, which would decide for the server what it has to decide by itself.
	const registration = (key: object = { ...publicHalf(deviceKey), alg: undefined }) => ({
		software_id: 'satchel-cascade',
		jwks: { keys: [key] },
	});

	async function registered(username = 'camila', duration = 86_400) {
		const tokens = await connect(sandbox, 'cascade', { username, duration });
		const response = await post('cascade', tokens.access_token, registration());
		const { client_id } = (await response.json()) as { client_id: string };
		return { tokens, response, client_id };
	}
	const present = (client_id: string, assertion: string) =>
		tokenRequest(sandbox, 'cascade', { grant_type, client_id, assertion });
	const access = async (client_id: string) =>
		present(client_id, await sign(claimsOf(client_id, endpoint()), deviceKey));

	test('is registered once with the access token of a sign-in, which comes without a refresh token', async () => {
		const { tokens, response, client_id } = await registered();
		expect(tokens).not.toHaveProperty('refresh_token');
		expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([201, '*']);
		expect(client_id).not.toBe('satchel-cascade');
		expect((await post('cascade', tokens.access_token, registration())).status).toBe(401);
		expect(sandbox.faults.counts('cascade')).toMatchObject({ registrations: 1, requests: { register: 2 } });
	});

	test('gives access tokens for that patient, again and again, and never a refresh token', async () => {
		const { client_id } = await registered('derrick');
		for (let n = 0; n < 2; n++) {
			const { status, body } = await access(client_id);
			expect([status, body.patient]).toEqual([200, sandbox.patientId('cascade', 'derrick')]);
			expect(body).not.toHaveProperty('refresh_token');
			expect(body.scope).toContain('patient/*.rs');
			expect((await fhirGet(sandbox, 'cascade', body.access_token, `Patient/${body.patient}`)).status).toBe(200);
		}
	});

	test.each([
		['without a token', () => '', () => registration()],
		['with a made-up token', () => 'made-up', () => registration()],
	])('is not registered %s', async (_, token, body) => {
		expect((await post('cascade', token(), body())).status).toBe(401);
	});

	test.each([
		['for another software_id', () => ({ ...registration(), software_id: 'other' })],
		['where it is an EC key', () => registration(publicHalf(signingKey('ES384')))],
		['where it is private', () => registration(deviceKey)],
		['where there is no body', () => null],
		['where there is none', () => ({ software_id: 'satchel-cascade', jwks: { keys: [] } })],
	])('is not registered %s, and may be tried again', async (_, body) => {
		const tokens = await connect(sandbox, 'cascade');
		expect((await post('cascade', tokens.access_token, body())).status).toBe(400);
		expect((await post('cascade', tokens.access_token, registration())).status).toBe(201);
	});

	test.each(['lakeside', 'harbor', 'foothills'])('%s knows no registration', async (id) => {
		const tokens = await connect(sandbox, id);
		const response = await post(id, tokens.access_token, { ...registration(), software_id: `satchel-${id}` });
		expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, '*']);
	});

	test.each(wrong)('gives nothing for an assertion with %s', async (_, change) => {
		const { client_id } = await registered();
		const claims = change(claimsOf(client_id, endpoint()), endpoint());
		const answer = await present(client_id, await sign(claims, deviceKey));
		expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client']);
	});

	test('gives nothing for a used jti, another sub, another key, another algorithm, no assertion or an unknown client', async () => {
		const { client_id } = await registered();
		const once = await sign(claimsOf(client_id, endpoint()), deviceKey);
		expect((await present(client_id, once)).status).toBe(200);
		const { alg: _, ...anyAlg } = deviceKey;
		const claims = () => claimsOf(client_id, endpoint());
		const bad = [
			once,
			await sign(claims(), { ...signingKey('RS384'), kid: deviceKey.kid }),
			await sign(claims(), anyAlg as typeof deviceKey, 'RS256'),
			await sign({ ...claims(), sub: 'somebody' }, deviceKey),
			'',
		];
		for (const assertion of bad) {
			const answer = await present(client_id, assertion);
			expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client']);
		}
		expect((await access('nobody')).body.error).toBe('invalid_client');
	});

	test('ends with the consent, when it runs out and when the patient takes it back', async () => {
		const { client_id } = await registered('linnea');
		const other = await registered('camila');
		sandbox.faults.takeBack('cascade', 'linnea');
		const refused = await access(client_id);
		expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
		const { body } = await access(other.client_id);
		expect(body.expires_in).toBe(3600);
		sandbox.faults.endIn('cascade', 100);
		expect((await access(other.client_id)).body.expires_in).toBeLessThanOrEqual(100);
		sandbox.faults.endIn('cascade', 0);
		expect((await access(other.client_id)).body.error).toBe('invalid_grant');
	});

	test('is no key to anything else', async () => {
		const { client_id } = await registered();
		const answer = await tokenRequest(sandbox, 'cascade', {
			grant_type: 'refresh_token',
			client_id,
			refresh_token: 'x',
		});
		expect(answer.status).toBe(400);
		const tokens = await connect(sandbox, 'cascade');
		expect((await access('satchel-cascade')).status).toBe(400);
		expect(tokens.access_token).toBeTypeOf('string');
	});
});
