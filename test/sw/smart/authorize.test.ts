import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { authorizeRequest, checkIssuer, processAuthorizeResponse } from '../../../sw/smart/authorize.js';
import { codeOf } from '../setup.js';
import { BASE, CLIENT_ID, ISSUER, registration } from './support.js';

const redirectUri = 'https://app.test/connect/callback';
const scope = 'launch/patient openid patient/*.rs';
const mint = () => authorizeRequest(registration(), { redirectUri, scope });

async function respond(parameters: Record<string, string>, config: Parameters<typeof registration>[0] = {}) {
	const at = registration(config);
	const { pending } = await mint();
	const query = new URLSearchParams({ state: pending.state, ...parameters });
	return processAuthorizeResponse(query, pending, at);
}

test('the URL carries every parameter of a SMART standalone launch and no other', async () => {
	const { url, pending } = await mint();
	const { origin, pathname, searchParams } = new URL(url);
	expect(origin + pathname).toBe('https://auth.test/authorize');
	expect(Object.fromEntries(searchParams)).toEqual({
		tenant: '7', // of the endpoint itself
		response_type: 'code',
		client_id: CLIENT_ID,
		redirect_uri: redirectUri,
		scope,
		state: pending.state,
		aud: BASE,
		nonce: pending.nonce,
		code_challenge: createHash('sha256').update(pending.codeVerifier).digest('base64url'),
		code_challenge_method: 'S256',
	});
	expect(url).not.toContain(pending.codeVerifier);
});

test('state, nonce and verifier have 256 bits each and never come twice', async () => {
	const all = await Promise.all(Array.from({ length: 50 }, mint));
	const values = all.flatMap(({ pending: { state, nonce, codeVerifier } }) => [state, nonce, codeVerifier]);
	expect(new Set(values).size).toBe(150);
	for (const value of values) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('an authorization endpoint without TLS is never gone to', async () => {
	const insecure = registration({ authorizationEndpoint: 'http://auth.test/authorize' });
	expect(await codeOf(authorizeRequest(insecure, { redirectUri, scope }))).toBe('url_insecure');
});

test('a code with the right state passes, with or without iss', async () => {
	expect((await respond({ code: 'c1' })).get('code')).toBe('c1');
	expect((await respond({ code: 'c1', iss: ISSUER })).get('code')).toBe('c1');
	expect((await respond({ code: 'c1', iss: ISSUER }, { issInResponse: true })).get('code')).toBe('c1');
});

test('an iss that is not exactly the issuer is a mismatch, advertised or not', async () => {
	for (const iss of ['https://evil.test', `${ISSUER}/`, ISSUER.toUpperCase(), ''])
		for (const issInResponse of [false, true])
			expect(await codeOf(respond({ code: 'c1', iss }, { issInResponse })), iss).toBe('issuer_mismatch');
});

test('an iss that was promised and is missing is a mismatch', async () => {
	expect(await codeOf(respond({ code: 'c1' }, { issInResponse: true }))).toBe('issuer_mismatch');
});

test('a server that never named itself may speak for its own origin, and for no other', async () => {
	const own = `${new URL(registration().config.tokenEndpoint).origin}/oauth`;
	expect((await respond({ code: 'c1', iss: own }, { issuer: null })).get('code')).toBe('c1');
	expect(await codeOf(respond({ code: 'c1', iss: 'https://whoever.test' }, { issuer: null }))).toBe('issuer_mismatch');
});

test('an issuer of another origin than the token endpoint is refused, unless its vendor is known for that', () => {
	const { config } = registration();
	const borrowed = { ...config, issuer: 'https://harbor.test/oauth' };
	expect(() => checkIssuer(borrowed, {})).toThrow(expect.objectContaining({ code: 'issuer_mismatch' }));
	expect(() => checkIssuer(borrowed, { issuerElsewhere: true })).not.toThrow();
	expect(() => checkIssuer({ ...config, issuer: null }, {})).not.toThrow();
	expect(() => checkIssuer(config, {})).not.toThrow();
});

test('another state is refused, also with an error beside it', async () => {
	expect(await codeOf(respond({ code: 'c1', state: 'x'.repeat(43) }))).toBe('state_unknown');
	expect(await codeOf(respond({ error: 'access_denied', state: 'x'.repeat(43) }))).toBe('state_unknown');
});

test.each([
	['access_denied', 'access_denied'],
	['temporarily_unavailable', 'provider_unavailable'],
	['server_error', 'provider_unavailable'],
	['invalid_scope', 'client_rejected'],
	['invalid_request', 'client_rejected'],
	['unauthorized_client', 'client_rejected'],
	['unsupported_response_type', 'authorize_failed'],
	['something_new', 'authorize_failed'],
])('error=%s becomes %s', async (error, code) => {
	expect(await codeOf(respond({ error, error_description: 'words of the server' }))).toBe(code);
});

test('neither a code nor an error is a failure', async () => {
	expect(await codeOf(respond({}))).toBe('authorize_failed');
	expect(await codeOf(respond({ response: 'a.jwt.here' }))).toBe('authorize_failed');
});

test('a repeated parameter is not chosen from', async () => {
	const { pending } = await mint();
	const query = new URLSearchParams({ state: pending.state, code: 'c1' });
	query.append('code', 'c2');
	expect(await codeOf(() => processAuthorizeResponse(query, pending, registration()))).toBe('authorize_failed');
});
