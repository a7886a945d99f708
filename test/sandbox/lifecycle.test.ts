import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect, fhirGet, oauthOf, REDIRECT_URI, refresh, systemOf, tokenRequest } from './client.js';
import { asParameters, claimsOf, clientAssertion, relayKey, relayKeys, sign, tokenEndpointOf } from './client-keys.js';
import { type Sandbox, type SandboxOptions, startSandbox } from './server.js';

const start = (options: SandboxOptions = {}) =>
	startSandbox({ ...relayKeys, redirectUris: [REDIRECT_URI], recordBytes: 200_000, ...options });

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await start({ faults: true });
});
beforeEach(() => sandbox.faults.reset());
afterAll(() => sandbox.close());

const renewable = [
	'lakeside',
	'harbor',
	'summit',
	'meridian',
	'foothills',
	'maple',
	'orchard',
	'evergreen',
	'sagebrush',
];
const seconds = () => Math.floor(Date.now() / 1000);
const dateOf = (headers: Headers) => Date.parse(headers.get('date') ?? '') / 1000;

describe('the end of access', () => {
	test('evergreen tells a date, which refreshing does not move', async () => {
		const tokens = await connect(sandbox, 'evergreen', { duration: 86_400 });
		const ends = ({ access_grant_expiration }: { access_grant_expiration?: string }) => access_grant_expiration ?? '';
		expect(ends(tokens)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		expect(Math.abs(Date.parse(ends(tokens)) / 1000 - seconds() - 86_400)).toBeLessThan(60);
		sandbox.faults.endIn('evergreen', 5000);
		const { body } = await refresh(sandbox, 'evergreen', tokens.refresh_token ?? '');
		expect(Math.abs(Date.parse(ends(body)) / 1000 - seconds() - 5000)).toBeLessThan(60);
	});

	test('sagebrush tells it inside the refresh token, and each refresh moves it', async () => {
		const tokens = await connect(sandbox, 'sagebrush', { duration: 86_400 });
		expect(tokens).not.toHaveProperty('refresh_expires_in');
		const exp = (token = '') => decodeJwt(token).exp ?? 0;
		expect(Math.abs(exp(tokens.refresh_token) - seconds() - 86_400)).toBeLessThan(60);
		vi.useFakeTimers({ toFake: ['Date'] });
		try {
			vi.setSystemTime(Date.now() + 3_600_000);
			const { body } = await refresh(sandbox, 'sagebrush', tokens.refresh_token ?? '');
			expect(exp(body.refresh_token) - exp(tokens.refresh_token)).toBeGreaterThanOrEqual(3590);
		} finally {
			vi.useRealTimers();
		}
	});

	test.each(renewable)('%s: when it comes, refreshing is over', async (id) => {
		const tokens = await connect(sandbox, id);
		sandbox.faults.endIn(id, -1);
		const answer = await refresh(sandbox, id, tokens.refresh_token ?? '', { scope: tokens.scope });
		expect(answer.body.error).toBe('invalid_grant');
	});

	test.each(renewable)('%s: a patient who takes it back ends their own access and nobody else’s', async (id) => {
		const mine = await connect(sandbox, id, { username: 'camila' });
		const other = await connect(sandbox, id, { username: 'derrick' });
		await fetch(`${sandbox.origin}/_control/take-back`, {
			method: 'POST',
			body: JSON.stringify({ system: id, username: 'camila' }),
		});
		const refused = await refresh(sandbox, id, mine.refresh_token ?? '', { scope: mine.scope });
		expect(refused.body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, id, mine.access_token, `Patient/${mine.patient}`)).status).toBe(401);
		expect((await refresh(sandbox, id, other.refresh_token ?? '', { scope: other.scope })).status).toBe(200);
		sandbox.faults.takeBack(id);
		expect((await fhirGet(sandbox, id, other.access_token, `Patient/${other.patient}`)).status).toBe(401);
	});

	test.each(renewable)('%s: an access token that is over early can be renewed', async (id) => {
		const tokens = await connect(sandbox, id);
		sandbox.faults.expire(id, 'access');
		expect((await fhirGet(sandbox, id, tokens.access_token, `Patient/${tokens.patient}`)).status).toBe(401);
		expect((await refresh(sandbox, id, tokens.refresh_token ?? '', { scope: tokens.scope })).status).toBe(200);
	});

	test('a refresh after access was taken back is no replay', async () => {
		const tokens = await connect(sandbox, 'harbor');
		sandbox.faults.takeBack('harbor');
		await refresh(sandbox, 'harbor', tokens.refresh_token ?? '');
		expect(sandbox.faults.counts('harbor')).toMatchObject({ replays: 0, familiesRevoked: 0 });
	});
});

describe('revocation', () => {
	const configuration = async (id: string) =>
		(await fetch(`${systemOf(sandbox, id).fhirBaseUrl}/.well-known/smart-configuration`)).json();
	const revoke = async (id: string, token: string) =>
		fetch(`${oauthOf(systemOf(sandbox, id))}/token/revocation`, {
			method: 'POST',
			body: new URLSearchParams({
				client_id: `satchel-${id}`,
				token,
				...(await clientAssertion(systemOf(sandbox, id))),
			}),
		});

	test.each(['lakeside', 'harbor', 'foothills', 'maple', 'evergreen'])('%s revokes what it is asked to', async (id) => {
		const tokens = await connect(sandbox, id);
		expect(await configuration(id)).toHaveProperty('revocation_endpoint');
		expect((await revoke(id, tokens.refresh_token ?? '')).status).toBe(200);
		expect((await refresh(sandbox, id, tokens.refresh_token ?? '')).body.error).toBe('invalid_grant');
	});

	test('orchard offers none', async () => {
		const tokens = await connect(sandbox, 'orchard');
		expect(await configuration('orchard')).not.toHaveProperty('revocation_endpoint');
		const metadata = await (await fetch(`${systemOf(sandbox, 'orchard').fhirBaseUrl}/metadata`)).text();
		expect(metadata).not.toContain('/revocation');
		expect((await revoke('orchard', tokens.refresh_token ?? '')).status).toBe(404);
	});

	test('sagebrush offers it and fails', async () => {
		const tokens = await connect(sandbox, 'sagebrush');
		expect(await configuration('sagebrush')).toHaveProperty('revocation_endpoint');
		expect((await revoke('sagebrush', tokens.refresh_token ?? '')).status).toBe(500);
		expect((await refresh(sandbox, 'sagebrush', tokens.refresh_token ?? '')).status).toBe(200);
	});
});

describe('a clock that is wrong', () => {
	test('shows in Date, which scripts may read at some systems and not at others', async () => {
		const exposed = async (id: string) => {
			const answer = await tokenRequest(sandbox, id, { grant_type: 'refresh_token', refresh_token: 'x' });
			expect(Math.abs(dateOf(answer.headers) - seconds())).toBeLessThan(60);
			return (answer.headers.get('access-control-expose-headers') ?? '').split(', ');
		};
		for (const id of ['lakeside', 'harbor', 'cascade']) expect(await exposed(id)).toContain('Date');
		for (const id of ['summit', 'sagebrush', 'walled']) expect(await exposed(id)).not.toContain('Date');
	});

	test.each([-7200, 7200])('is off by %i seconds in Date, id_token, introspection and every end', async (skew) => {
		const other = await start({ clockSkewSeconds: skew });
		const near = (at: number, wanted: number) => expect(Math.abs(at - wanted)).toBeLessThan(60);
		const theirs = seconds() + skew;
		const { refresh_token = '', access_token, id_token = '' } = await connect(other, 'lakeside', { duration: 86_400 });
		const { iat = 0, exp = 0 } = decodeJwt(id_token);
		near(iat, theirs);
		near(exp, theirs + 3600);
		const answer = await fetch(`${other.origin}/lakeside/oauth/introspect`, {
			method: 'POST',
			headers: { authorization: `Bearer ${access_token}` },
			body: new URLSearchParams({ token: refresh_token }),
		});
		near((await answer.json()).exp, theirs + 86_400);
		near(dateOf(answer.headers), theirs);
		near(dateOf((await fetch(`${other.origin}/lakeside/fhir/metadata`)).headers), theirs);
		near(
			decodeJwt((await connect(other, 'sagebrush', { duration: 86_400 })).refresh_token ?? '').exp ?? 0,
			theirs + 86_400,
		);
		const harbor = await connect(other, 'harbor', { duration: 86_400 });
		expect(harbor.refresh_expires_in).toBe(86_400);
		await other.close();
	});

	test.each([-7200, 7200])('that is %i seconds off judges assertions by itself', async (skew) => {
		const other = await start({ clockSkewSeconds: skew, appOrigins: [new URL(REDIRECT_URI).origin] });
		const orchard = systemOf(other, 'orchard');
		const send = async (now: number) => {
			const assertion = await sign(claimsOf(orchard.clientId, tokenEndpointOf(orchard), now), relayKey);
			const form = { grant_type: 'refresh_token', refresh_token: 'x', ...asParameters(assertion) };
			return (await tokenRequest(other, 'orchard', form)).body.error;
		};
		expect(await send(seconds())).toBe('invalid_client');
		expect(await send(seconds() + skew)).toBe('invalid_grant');
		await other.close();
	});

	test('leaves id_tokens signed by the published key', async () => {
		const { createRemoteJWKSet, jwtVerify } = await import('jose');
		const other = await start({ clockSkewSeconds: -7200 });
		const { id_token = '' } = await connect(other, 'harbor');
		const keys = createRemoteJWKSet(new URL(`${other.origin}/harbor/oauth/jwks`));
		const currentDate = new Date(Date.now() - 7_200_000);
		expect((await jwtVerify(id_token, keys, { currentDate })).payload.aud).toBe('satchel-harbor');
		await other.close();
	});
});

describe('other habits', () => {
	test('a system that throttles answers 429 with Retry-After, and the refresh token is still good later', async () => {
		const other = await start({ refreshesPerMinute: 1 });
		const tokens = await connect(other, 'summit');
		const rotating = await connect(other, 'harbor');
		expect((await refresh(other, 'summit', tokens.refresh_token ?? '')).status).toBe(200);
		const { status, headers } = await refresh(other, 'summit', tokens.refresh_token ?? '');
		expect(status).toBe(429);
		expect(Number(headers.get('retry-after'))).toBeGreaterThan(50);
		expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
		const second = await refresh(other, 'harbor', rotating.refresh_token ?? '');
		expect((await refresh(other, 'harbor', second.body.refresh_token ?? '')).status).toBe(429);
		vi.useFakeTimers({ toFake: ['Date'] });
		try {
			vi.setSystemTime(Date.now() + 61_000);
			expect((await refresh(other, 'summit', tokens.refresh_token ?? '')).status).toBe(200);
			expect((await refresh(other, 'harbor', second.body.refresh_token ?? '')).status).toBe(200);
		} finally {
			vi.useRealTimers();
		}
		await other.close();
	});

	test('maple gives access for two days, and its errors arrive as 500 with what was wrong in the body', async () => {
		const tokens = await connect(sandbox, 'maple');
		expect(tokens.expires_in).toBe(172_800);
		const refused = await refresh(sandbox, 'maple', 'made-up');
		expect([refused.status, refused.body.error]).toEqual([500, 'invalid_grant']);
		const search = await fhirGet(sandbox, 'maple', tokens.access_token, 'Condition');
		expect([search.status, (await search.json()).resourceType]).toEqual([500, 'OperationOutcome']);
		expect((await fhirGet(sandbox, 'maple', 'made-up', `Patient/${tokens.patient}`)).status).toBe(401);
		sandbox.faults.add({ match: { endpoint: 'token' }, action: { status: 429, body: '{}' } });
		expect((await refresh(sandbox, 'maple', 'made-up')).status).toBe(429);
	});
});
