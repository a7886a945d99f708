import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { processAuthorizationCodeResponse, processRefreshResponse } from '../../../sw/smart/token.js';
import { codeOf, json, network, ORIGIN, sent } from '../setup.js';
import { CLIENT_ID, ISSUER, registration } from './support.js';

const NONCE = 'n'.repeat(43);
const body = { access_token: 'at', token_type: 'Bearer', refresh_token: 'rt', patient: 'p1', expires_in: 3600 };

const judge = (answer: unknown, config: Parameters<typeof registration>[0] = {}) =>
	processAuthorizationCodeResponse(registration(config), json(answer), NONCE);

const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
const stranger = (await generateKeyPair('RS256')).privateKey;
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };

interface Claims {
	nonce?: string;
	iss?: string;
	aud?: string;
	exp?: number;
}
function idToken(claims: Claims = {}, key = privateKey) {
	const now = Math.floor(Date.now() / 1000);
	const { iss = ISSUER, aud = CLIENT_ID, exp = now + 600, nonce = NONCE } = claims;
	return new SignJWT({ iss, aud, exp, iat: now - 1, sub: 'me', nonce })
		.setProtectedHeader({ alg: 'RS256', kid: 'k1' })
		.sign(key);
}

test('a good id_token passes, and its keys are fetched once', async () => {
	network(() => json(jwks));
	expect((await judge({ ...body, id_token: await idToken() })).patient).toBe('p1');
	expect(sent.map(({ url }) => url)).toEqual(['https://auth.test/jwks']);
});

test.each<[string, Claims]>([
	['nonce', { nonce: 'another' }],
	['issuer', { iss: 'https://evil.test' }],
	['audience', { aud: 'somebody-else' }],
	['expiry', { exp: Math.floor(Date.now() / 1000) - 3600 }],
])('an id_token with a wrong %s is refused', async (_what, claims) => {
	network(() => json(jwks));
	expect(await codeOf(judge({ ...body, id_token: await idToken(claims) }))).toBe('id_token_invalid');
});

test('an id_token signed by somebody else is refused', async () => {
	network(() => json(jwks));
	expect(await codeOf(judge({ ...body, id_token: await idToken({}, stranger) }))).toBe('id_token_invalid');
});

test('an id_token that is none is refused', async () => {
	network(() => json(jwks));
	for (const id_token of ['', 'x', 'a.b.c'])
		expect(await codeOf(judge({ ...body, id_token })), id_token).toBe('id_token_invalid');
});

test('keys that cannot be fetched do not stand in the way: the token came over TLS', async () => {
	network(() => {
		throw new TypeError('no CORS');
	});
	expect((await judge({ ...body, id_token: await idToken() })).patient).toBe('p1');
	expect(await codeOf(judge({ ...body, id_token: await idToken({ nonce: 'another' }) }))).toBe('id_token_invalid');
});

test('where the server never named itself, the id_token is left out rather than trusted', async () => {
	expect((await judge({ ...body, id_token: 'whatever' }, { issuer: null })).patient).toBe('p1');
});

test('a rotated token is not lost over an odd id_token', async () => {
	expect((await processRefreshResponse(json({ ...body, id_token: 'whatever' }))).refreshToken).toBe('rt');
});

test.each([
	['its Date can be read', true],
	['CORS hides its Date, so that the app’s host is asked', false],
])(
	'a device whose clock is two hours ahead does not take a good id_token for an expired one, where %s',
	async (_what, readable) => {
		const theirs = Date.now() - 7_200_000;
		const headers = { Date: new Date(theirs).toUTCString() };
		network(({ url }) => (url === `${ORIGIN}/api/health` ? json({}, { headers }) : json(jwks)));
		const check = async (exp: number) => {
			const answer = json({ ...body, id_token: await idToken({ exp }) }, readable ? { headers } : {});
			return codeOf(processAuthorizationCodeResponse(registration(), answer, NONCE));
		};
		// The token was made two hours ago by this device's clock, and just now by theirs; `iat` lies ahead of neither.
		expect(await check(Math.floor(theirs / 1000) + 600)).toBeUndefined();
		expect(await check(Math.floor(theirs / 1000) - 3_600)).toBe('id_token_invalid');
	},
);
