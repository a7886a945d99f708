import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authorize, connect, fhirGet, oauthOf, REDIRECT_URI, refresh, systemOf, tokenRequest } from './client.js';
import { type Sandbox, startSandbox } from './server.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ redirectUris: [REDIRECT_URI], recordBytes: 200_000, faults: true });
});
beforeEach(() => sandbox.faults.reset());
afterAll(() => sandbox.close());

describe('authorization', () => {
	test('a patient signs in, consents, and the client gets tokens for that patient', async () => {
		const { callback, verifier, pages } = await authorize(sandbox, 'harbor', { username: 'derrick' });
		expect(callback.origin + callback.pathname).toBe(REDIRECT_URI);
		expect(callback.searchParams.get('state')).toBe('state-1');
		expect(callback.searchParams.get('iss')).toBe(`${sandbox.origin}/harbor/oauth`);
		expect(pages[0]).toContain('name="username"');
		expect(pages[1]).toContain('Derrick Halloway');
		const { status, body } = await tokenRequest(sandbox, 'harbor', {
			grant_type: 'authorization_code',
			code: callback.searchParams.get('code') ?? '',
			code_verifier: verifier,
			redirect_uri: REDIRECT_URI,
		});
		expect(status).toBe(200);
		expect(body).toMatchObject({ token_type: 'Bearer', patient: sandbox.patientId('harbor', 'derrick') });
		expect(body.refresh_token).toBeTypeOf('string');
		expect(body.scope.split(' ')).toEqual(
			expect.arrayContaining(['launch/patient', 'openid', 'fhirUser', 'offline_access', 'patient/*.rs']),
		);
		expect(decodeJwt(body.id_token ?? '')).toMatchObject({
			iss: `${sandbox.origin}/harbor/oauth`,
			aud: 'satchel-harbor',
			fhirUser: `${sandbox.origin}/harbor/fhir/Patient/${body.patient}`,
		});
	});

	test('smart-configuration names what the server does', async () => {
		const response = await fetch(`${sandbox.origin}/lakeside/fhir/.well-known/smart-configuration`);
		expect(response.headers.get('access-control-allow-origin')).toBe('*');
		const configuration = await response.json();
		expect(configuration).toMatchObject({
			issuer: `${sandbox.origin}/lakeside/oauth`,
			code_challenge_methods_supported: ['S256'],
			authorization_response_iss_parameter_supported: true,
		});
		const jwks = await (await fetch(configuration.jwks_uri)).json();
		expect(jwks.keys).toHaveLength(1);
		expect(jwks.keys[0]).not.toHaveProperty('d');
	});

	test('saying no comes back as access_denied', async () => {
		const { callback } = await authorize(sandbox, 'lakeside', { decision: 'deny' });
		expect(callback.searchParams.get('error')).toBe('access_denied');
		expect(callback.searchParams.get('state')).toBe('state-1');
	});

	test('a wrong password leads nowhere', async () => {
		const { callback, pages } = await authorize(sandbox, 'lakeside', { password: 'guess' });
		expect(pages[1]).toContain('do not match');
		expect(callback.origin).toBe(sandbox.origin);
	});

	test.each([
		['another aud', { aud: 'https://fhir.example/r4' }],
		['no aud', { aud: undefined }],
		['no code challenge', { code_challenge: undefined, code_challenge_method: undefined }],
		['a plain code challenge', { code_challenge_method: 'plain' }],
	])('a request with %s is refused', async (_, params) => {
		const { callback } = await authorize(sandbox, 'lakeside', { params });
		expect(callback.searchParams.get('error')).toBe('invalid_request');
	});

	test('a redirect URI that is not registered gets nothing', async () => {
		const { callback } = await authorize(sandbox, 'lakeside', { params: { redirect_uri: 'http://localhost:1/x' } });
		expect(callback.origin).toBe(sandbox.origin);
	});

	test('a second sign-in in the same browser may be somebody else', async () => {
		const first = await connect(sandbox, 'lakeside', { username: 'camila' });
		const second = await connect(sandbox, 'lakeside', { username: 'linnea' });
		expect(first.patient).not.toBe(second.patient);
	});

	test('scopes the server does not know are left out', async () => {
		const tokens = await connect(sandbox, 'summit');
		expect(tokens.scope).not.toContain('*');
		expect(tokens.scope).toContain('patient/Observation.read');
		const narrow = await connect(sandbox, 'summit', { params: { scope: 'launch/patient patient/*.rs openid' } });
		expect(narrow.scope).toBe('launch/patient openid');
	});
});

describe('refreshing', () => {
	test('rotates, and a second use of an old token ends the whole family', async () => {
		const first = await connect(sandbox, 'lakeside');
		const second = await refresh(sandbox, 'lakeside', first.refresh_token ?? '');
		expect(second.status).toBe(200);
		expect(second.body.refresh_token).not.toBe(first.refresh_token);
		expect(second.body.patient).toBe(first.patient);
		const replay = await refresh(sandbox, 'lakeside', first.refresh_token ?? '');
		expect(replay.body.error).toBe('invalid_grant');
		const after = await refresh(sandbox, 'lakeside', second.body.refresh_token ?? '');
		expect(after.body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, 'lakeside', second.body.access_token, `Patient/${first.patient}`)).status).toBe(401);
		expect(sandbox.faults.counts('lakeside')).toMatchObject({ refreshes: 1, replays: 1 });
	});

	test('lakeside tells the end by introspection, and refreshing does not move it', async () => {
		const tokens = await connect(sandbox, 'lakeside', { duration: 86_400 });
		expect(tokens).not.toHaveProperty('refresh_expires_in');
		const end = async (token: string, bearer: string) => {
			const response = await fetch(`${sandbox.origin}/lakeside/oauth/introspect`, {
				method: 'POST',
				headers: { authorization: `Bearer ${bearer}` },
				body: new URLSearchParams({ token, token_type_hint: 'refresh_token' }),
			});
			return (await response.json()) as { active: boolean; exp: number };
		};
		const before = await end(tokens.refresh_token ?? '', tokens.access_token);
		expect(before.active).toBe(true);
		expect(Math.abs(before.exp - Date.now() / 1000 - 86_400)).toBeLessThan(60);
		sandbox.faults.endIn('lakeside', 5000);
		const { body } = await refresh(sandbox, 'lakeside', tokens.refresh_token ?? '');
		const after = await end(body.refresh_token ?? '', body.access_token);
		expect(Math.abs(after.exp - Date.now() / 1000 - 5000)).toBeLessThan(60);
		const stranger = await connect(sandbox, 'lakeside', { username: 'derrick' });
		expect(await end(body.refresh_token ?? '', stranger.access_token)).toEqual({ active: false });
	});

	test('harbor tells the end in the token response, and each refresh moves it', async () => {
		const tokens = await connect(sandbox, 'harbor', { duration: 86_400 });
		expect(tokens.refresh_expires_in).toBe(86_400);
		sandbox.faults.endIn('harbor', 5000);
		const { body } = await refresh(sandbox, 'harbor', tokens.refresh_token ?? '');
		expect(body.refresh_expires_in).toBe(86_400);
		const forever = await connect(sandbox, 'harbor', { duration: 0 });
		expect(forever.refresh_expires_in).toBe(0);
	});

	test('summit gives no new refresh token and keeps taking the old one', async () => {
		const tokens = await connect(sandbox, 'summit');
		expect(tokens.expires_in).toBe(570);
		for (let n = 0; n < 2; n++) {
			const { status, body } = await refresh(sandbox, 'summit', tokens.refresh_token ?? '');
			expect(status).toBe(200);
			expect(body).not.toHaveProperty('refresh_token');
			expect(body.patient).toBe(tokens.patient);
		}
	});

	test('clinic issues no refresh token, whatever was asked', async () => {
		const tokens = await connect(sandbox, 'clinic');
		expect(tokens).not.toHaveProperty('refresh_token');
		expect(tokens.scope).not.toContain('offline_access');
	});

	test('meridian wants the scopes again', async () => {
		const tokens = await connect(sandbox, 'meridian');
		expect((await refresh(sandbox, 'meridian', tokens.refresh_token ?? '')).body.error).toBe('invalid_request');
		const again = await refresh(sandbox, 'meridian', tokens.refresh_token ?? '', { scope: tokens.scope });
		expect(again.status).toBe(200);
	});

	test.each(['lakeside', 'harbor', 'summit'])(
		'%s: after the end that the patient chose, refreshing is over',
		async (id) => {
			const tokens = await connect(sandbox, id);
			sandbox.faults.endIn(id, -1);
			expect((await refresh(sandbox, id, tokens.refresh_token ?? '')).body.error).toBe('invalid_grant');
		},
	);

	test('the lifetime of access tokens can be set', async () => {
		const brief = await startSandbox({ redirectUris: [REDIRECT_URI], recordBytes: 200_000, accessSeconds: 5 });
		expect((await connect(brief, 'summit')).expires_in).toBe(5);
		await brief.close();
	});

	test('an ended grant answers invalid_grant', async () => {
		const tokens = await connect(sandbox, 'harbor');
		await fetch(`${sandbox.origin}/_control/expire`, { method: 'POST', body: '{"system":"harbor"}' });
		expect((await refresh(sandbox, 'harbor', tokens.refresh_token ?? '')).body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, 'harbor', tokens.access_token, `Patient/${tokens.patient}`)).status).toBe(401);
	});

	test('an expired access token alone can be renewed', async () => {
		const tokens = await connect(sandbox, 'harbor');
		sandbox.faults.expire('harbor', 'access');
		expect((await fhirGet(sandbox, 'harbor', tokens.access_token, `Patient/${tokens.patient}`)).status).toBe(401);
		const { body } = await refresh(sandbox, 'harbor', tokens.refresh_token ?? '');
		expect((await fhirGet(sandbox, 'harbor', body.access_token, `Patient/${tokens.patient}`)).status).toBe(200);
	});

	test('revoking the refresh token ends everything', async () => {
		const tokens = await connect(sandbox, 'lakeside');
		const system = systemOf(sandbox, 'lakeside');
		const response = await fetch(`${oauthOf(system)}/token/revocation`, {
			method: 'POST',
			body: new URLSearchParams({ client_id: system.clientId, token: tokens.refresh_token ?? '' }),
		});
		expect(response.status).toBe(200);
		expect((await refresh(sandbox, 'lakeside', tokens.refresh_token ?? '')).body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, 'lakeside', tokens.access_token, `Patient/${tokens.patient}`)).status).toBe(401);
	});
});

describe('CORS', () => {
	const preflight = (url: string) =>
		fetch(url, {
			method: 'OPTIONS',
			headers: {
				origin: 'http://localhost:8787',
				'access-control-request-method': 'POST',
				'access-control-request-headers': 'authorization',
			},
		});

	test('any origin may call the token, revocation, discovery and FHIR endpoints', async () => {
		const base = `${sandbox.origin}/lakeside`;
		for (const path of ['oauth/token', 'oauth/token/revocation', 'oauth/introspect', 'fhir/metadata', 'fhir/Patient']) {
			const { headers } = await preflight(`${base}/${path}`);
			expect(headers.get('access-control-allow-origin')).toBe('*');
			expect(headers.get('access-control-allow-headers')).toContain('authorization');
		}
		const refused = await tokenRequest(sandbox, 'lakeside', { grant_type: 'refresh_token', refresh_token: 'x' });
		expect(refused.headers.get('access-control-allow-origin')).toBe('*');
	});

	test('walled answers, but never with CORS headers', async () => {
		const { headers } = await preflight(`${sandbox.origin}/walled/oauth/token`);
		expect(headers.get('access-control-allow-origin')).toBeNull();
		const answer = await tokenRequest(sandbox, 'walled', { grant_type: 'refresh_token', refresh_token: 'x' });
		expect(answer.headers.get('access-control-allow-origin')).toBeNull();
		const discovery = await fetch(`${sandbox.origin}/walled/fhir/.well-known/smart-configuration`);
		expect(discovery.status).toBe(200);
		expect(discovery.headers.get('access-control-allow-origin')).toBeNull();
	});
});
