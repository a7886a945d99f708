import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import type { ClientAuth } from '../../../relay/contract.js';
import type { Registration } from '../../../sw/smart/client.js';
import {
	assertionRequest,
	checkClientAuth,
	clientAuthentication,
	processAssertionResponse,
} from '../../../sw/smart/client-auth.js';
import { authorizationCodeRequest, refreshRequest, revoke } from '../../../sw/smart/token.js';
import { codeOf, json, network, ORIGIN, sent, setOnline } from '../setup.js';
import { answer, CLIENT_ID, everythingIn, registration } from './support.js';

const TOKEN = 'https://auth.test/token';
const tokens = () => json({ access_token: 'at', token_type: 'Bearer' });

async function keyPair(alg: 'RS256' | 'RS384' | 'ES384' | 'ES256') {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
	return { secret: await exportJWK(privateKey), known: { ...(await exportJWK(publicKey)), kid: 'k-1' } };
}

function embedded(key: JWK, more: object = {}): Registration {
	const kty = key.kty === 'EC' ? 'EC' : 'RSA';
	return { ...registration(), clientAuth: { method: 'embedded-key', key: { ...key, kty, kid: 'k-1', ...more } } };
}

const relaySigned = (tokenEndpoint = TOKEN): Extract<ClientAuth, { method: 'relay-signed' }> => ({
	method: 'relay-signed',
	tokenEndpoint,
});
const byRelay = (tokenEndpoint?: string): Registration => ({
	...registration(),
	clientAuth: relaySigned(tokenEndpoint),
});

const forms = () => sent.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
const assertions = () => forms().flatMap(({ client_assertion }) => client_assertion ?? []);

// --- none -------------------------------------------------------------------------------------------------------

test.each<[string, ClientAuth | undefined]>([
	['a row of an earlier version', undefined],
	['none', { method: 'none' }],
	['device-key, whose sign-in is a public client’s', { method: 'device-key' }],
])('%s shows its client_id and nothing to sign with', async (_what, clientAuth) => {
	network(tokens);
	const at = { ...registration(), clientAuth };
	await refreshRequest(at, 'rt');
	await revoke(at, 'rt', 'refresh_token');
	expect(forms()).toEqual([
		{ grant_type: 'refresh_token', refresh_token: 'rt', client_id: CLIENT_ID },
		{ token: 'rt', token_type_hint: 'refresh_token', client_id: CLIENT_ID },
	]);
});

// --- embedded-key -----------------------------------------------------------------------------------------------

test.each(['RS384', 'ES384'] as const)(
	'an embedded key signs %s assertions that a strict server takes',
	async (alg) => {
		const { secret, known } = await keyPair(alg);
		network(tokens);
		const at = embedded(secret, { alg, use: 'sig', key_ops: ['verify'], ext: true });
		await refreshRequest(at, 'rt');
		const [form] = forms();
		expect(form).toMatchObject({
			client_id: CLIENT_ID,
			client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
		});
		const keys = createLocalJWKSet({ keys: [known] });
		const { payload, protectedHeader } = await jwtVerify(form?.client_assertion ?? '', keys, { algorithms: [alg] });
		expect(protectedHeader).toEqual({ alg, kid: 'k-1', typ: 'JWT' });
		const now = Math.floor(Date.now() / 1000);
		expect(payload).toMatchObject({ iss: CLIENT_ID, sub: CLIENT_ID, aud: TOKEN });
		expect(payload.iat).toBeLessThanOrEqual(now - 15);
		expect(payload.iat).toBeGreaterThan(now - 60);
		expect(payload.nbf).toBe(payload.iat);
		expect((payload.exp ?? 0) - now).toBeGreaterThan(60);
		expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(300);
		expect(payload.jti?.length).toBeGreaterThan(20);
		expect(payload.jti?.length).toBeLessThanOrEqual(151);
	},
);

test('no two assertions share a jti, and each request of the lifecycle shows one', async () => {
	const { secret } = await keyPair('ES384');
	network(tokens);
	const at = embedded(secret);
	const pending = { redirectUri: 'https://app.test/cb', codeVerifier: 'v'.repeat(43), state: 's', nonce: 'n' };
	const { processAuthorizeResponse } = await import('../../../sw/smart/authorize.js');
	const checked = processAuthorizeResponse(new URLSearchParams({ code: 'c', state: 's' }), pending, at);
	await authorizationCodeRequest(at, checked, pending);
	await refreshRequest(at, 'rt');
	await revoke(at, 'rt', 'refresh_token');
	expect(sent.map(({ url }) => url)).toEqual([TOKEN, TOKEN, 'https://auth.test/revoke']);
	expect(new Set(assertions().map((jwt) => decodeJwt(jwt).jti)).size).toBe(3);
	// One audience: what is no token endpoint takes the token endpoint's name too (RFC 7523, section 3).
	expect(new Set(assertions().map((jwt) => decodeJwt(jwt).aud))).toEqual(new Set([TOKEN]));
});

test('the clock of the server, where it is known, dates the assertion', async () => {
	const { secret } = await keyPair('ES384');
	network(tokens);
	await refreshRequest({ ...embedded(secret), clockOffset: 3_600_000 }, 'rt');
	const { iat = 0 } = decodeJwt(assertions()[0] ?? '');
	expect(Math.abs(iat - (Date.now() / 1000 + 3_580))).toBeLessThan(60);
});

test('a key that SMART servers do not take is refused before anything is sent', async () => {
	const rsa = (await keyPair('RS384')).secret;
	const p256 = (await keyPair('ES256')).secret;
	const p384 = (await keyPair('ES384')).secret;
	const odd = [
		embedded(p256),
		embedded(rsa, { alg: 'RS256' }),
		embedded(p384, { alg: 'ES256' }),
		embedded(rsa, { d: undefined }),
		embedded(rsa, { p: 'AQAB', q: 'AQAB' }),
		embedded(p384, { d: 'not a key' }),
		embedded(p384, { kty: 'RSA' }),
	];
	for (const [i, at] of odd.entries()) {
		const error: unknown = await refreshRequest(at, 'rt').catch((thrown: unknown) => thrown);
		expect(await codeOf(Promise.reject(error)), String(i)).toBe('client_rejected');
		for (const key of [rsa, p256, p384]) expect(everythingIn(error)).not.toContain(key.d);
	}
	expect(sent).toEqual([]);
});

// --- clocks -----------------------------------------------------------------------------------------------------

/** Takes assertions by its own clock, and tells it if it is `readable`. */
function strictServer(offset: number, readable: boolean) {
	const at = () => Date.now() + offset;
	network(async (request) => {
		if (request.url === `${ORIGIN}/api/health`) return json({}, { headers: { Date: new Date(at()).toUTCString() } });
		const claims = decodeJwt(new URLSearchParams(await request.text()).get('client_assertion') ?? '');
		const good = (claims.iat ?? 0) * 1000 <= at() && (claims.exp ?? 0) * 1000 > at();
		const headers = new Headers(readable ? [['Date', new Date(at()).toUTCString()]] : []);
		return good
			? json({ access_token: 'at' }, { headers })
			: json({ error: 'invalid_client' }, { status: 401, headers });
	});
}

test.each([
	['an hour ahead', 3_600_000, true],
	['a day behind', -86_400_000, true],
	['an hour ahead, and CORS hides its Date', 3_600_000, false],
])('a server whose clock is %s gets a second assertion, by its time', async (_what, offset, readable) => {
	const { secret } = await keyPair('ES384');
	strictServer(offset, readable);
	const response = await refreshRequest(embedded(secret), 'rt');
	expect(response.status).toBe(200);
	expect(assertions()).toHaveLength(2);
	// Whoever judges the answer learns how far the clocks are apart.
	const told = Date.parse(response.headers.get('Date') ?? '') - Date.now();
	expect(Math.abs(told - offset)).toBeLessThan(30_000);
});

test('a refusal is not repeated where the clocks agree, nor more than once', async () => {
	const { secret } = await keyPair('ES384');
	const refuse = (offset: number) =>
		network(() =>
			json(
				{ error: 'invalid_client' },
				{ status: 401, headers: { Date: new Date(Date.now() + offset).toUTCString() } },
			),
		);
	refuse(10_000);
	expect((await refreshRequest(embedded(secret), 'rt')).status).toBe(401);
	expect(sent).toHaveLength(1);
	refuse(7_200_000);
	expect((await refreshRequest(embedded(secret), 'rt')).status).toBe(401);
	expect(sent).toHaveLength(3);
	// What is known already is no news.
	await refreshRequest({ ...embedded(secret), clockOffset: 7_200_000 }, 'rt');
	expect(sent).toHaveLength(4);
});

test('a refresh token that is refused is not sent twice, whatever the clocks say', async () => {
	const { secret } = await keyPair('ES384');
	const headers = { Date: new Date(Date.now() + 7_200_000).toUTCString() };
	network(() => json({ error: 'invalid_grant' }, { status: 400, headers }));
	await refreshRequest(embedded(secret), 'rt');
	expect(sent).toHaveLength(1);
});

// --- relay-signed -----------------------------------------------------------------------------------------------

test('the relay is asked for this client at this token endpoint, and never sees a token', async () => {
	network(({ url }) => (url === `${ORIGIN}/api/assertions` ? json({ assertion: 'a.b.c' }) : tokens()));
	await refreshRequest(byRelay(), 'rt-SECRET');
	const [asked, shown] = sent;
	expect(asked).toMatchObject({ method: 'POST', url: `${ORIGIN}/api/assertions` });
	expect(JSON.parse(asked?.body ?? '')).toEqual({ clientId: CLIENT_ID, tokenEndpoint: TOKEN });
	expect(asked?.body).not.toContain('SECRET');
	expect(asked?.headers.has('Authorization')).toBe(false);
	expect(Object.fromEntries(new URLSearchParams(shown?.body))).toMatchObject({
		client_id: CLIENT_ID,
		client_assertion: 'a.b.c',
		refresh_token: 'rt-SECRET',
	});
});

test('an assertion for one server is never shown to another', async () => {
	const { code } = await Promise.resolve()
		.then(() => assertionRequest(registration(), relaySigned('https://other.test/token')))
		.then(
			() => ({ code: undefined }),
			(error: { code: string }) => error,
		);
	expect(code).toBe('assertion_refused');
	expect(await codeOf(refreshRequest(byRelay('https://other.test/token'), 'rt'))).toBe('assertion_refused');
	expect(sent).toEqual([]);
	// The same address in another spelling is the same server, and the relay knows the directory's.
	const [, options] = assertionRequest(registration(), relaySigned('https://AUTH.test:443/token'));
	expect(String(options.body)).toContain('https://AUTH.test:443/token');
});

test.each([
	[403, 'assertion_refused'],
	[404, 'assertion_refused'],
	[400, 'relay_error'],
	[413, 'relay_error'],
	[429, 'relay_unavailable'],
	[500, 'relay_unavailable'],
	[503, 'relay_unavailable'],
])('the relay’s %i is %s, and no verdict on anybody’s access', async (status, code) => {
	const problem = { title: 'no', status, code: 'x', correlationId: 'corr-1' };
	const error: unknown = await Promise.resolve()
		.then(() => processAssertionResponse(answer(problem, status, { 'Retry-After': '120' })))
		.catch((thrown: unknown) => thrown);
	expect(error).toMatchObject({ code, correlationId: 'corr-1' });
	network(() => json(problem, { status }));
	expect(await codeOf(refreshRequest(byRelay(), 'rt'))).toBe(code);
	expect(sent.map(({ url }) => url)).toEqual([`${ORIGIN}/api/assertions`]);
});

test('the relay’s wish for patience is kept', async () => {
	const error: unknown = await Promise.resolve()
		.then(() => processAssertionResponse(answer('', 429, { 'Retry-After': '120' })))
		.catch((thrown: unknown) => thrown);
	const { retryAt } = error as { retryAt: number };
	expect(retryAt - Date.now()).toBeGreaterThan(60_000);
});

test('a relay out of reach is told from a provider out of reach', async () => {
	network(() => {
		throw new TypeError('down');
	});
	expect(await codeOf(refreshRequest(byRelay(), 'rt'))).toBe('relay_unavailable');
	setOnline(false);
	expect(await codeOf(refreshRequest(byRelay(), 'rt'))).toBe('offline');
});

test.each([
	['a web page', '<html>'],
	['an object without one', '{}'],
	['a number for one', '{"assertion":7}'],
	['one of more than 8000 characters', JSON.stringify({ assertion: 'x'.repeat(8001) })],
])('a 200 of the relay that is no assertion is its error: %s', (_what, body) => {
	expect(() => processAssertionResponse(answer(body, 200))).toThrow(expect.objectContaining({ code: 'relay_error' }));
});

test('whether a client can authenticate is known before anybody is sent away', async () => {
	network(() => json({}, { status: 403 }));
	expect(await codeOf(checkClientAuth(byRelay()))).toBe('assertion_refused');
	expect(await codeOf(checkClientAuth(embedded((await keyPair('ES256')).secret)))).toBe('client_rejected');
	sent.length = 0;
	await checkClientAuth(registration());
	expect(sent).toEqual([]);
});

test('a revocation by a client that cannot authenticate answers no and throws nothing', async () => {
	network(() => json({}, { status: 503 }));
	expect(await revoke(byRelay(), 'rt', 'refresh_token')).toBe(false);
	expect(clientAuthentication(registration())).toBeTypeOf('function');
});
