import { decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import {
	jwtBearerRequest,
	processRegisterResponse,
	registerRequest,
	registrationEndpoint,
} from '../../../sw/smart/register.js';
import { codeOf, json, network, sent } from '../setup.js';
import { CLIENT_ID, registration } from './support.js';

const at = (authorizationEndpoint: string, registrationEndpoint?: string) =>
	registration({ authorizationEndpoint, ...(registrationEndpoint ? { registrationEndpoint } : {}) }).config;

test.each([
	['https://ehr.test/oauth2/authorize', undefined, 'https://ehr.test/oauth2/register'],
	['https://ehr.test/oauth2/authorize?tenant=7', undefined, 'https://ehr.test/oauth2/register'],
	['https://ehr.test/oauth2/authorize', 'https://ehr.test/dcr', 'https://ehr.test/dcr'],
	// The request carries an access token: it goes to no other origin.
	['https://ehr.test/oauth2/authorize', 'https://evil.test/dcr', 'https://ehr.test/oauth2/register'],
])('beside %s (named: %s), clients are registered at %s', (authorize, named, expected) => {
	expect(registrationEndpoint(at(authorize, named))).toBe(expected);
});

test('a registration carries the software’s id, the public key and the one-time token, and no private half', async () => {
	network(() => json({ client_id: 'device-1' }, { status: 201 }));
	const { privateKey } = await generateKeyPair('RS384', { extractable: true });
	const jwk = await crypto.subtle.exportKey('jwk', privateKey);
	await registerRequest(registration(), { ...jwk, kid: 'k-1' }, 'at-1');
	const [request] = sent;
	expect(request).toMatchObject({ method: 'POST', url: 'https://auth.test/register' });
	expect(request?.headers.get('Authorization')).toBe('Bearer at-1');
	expect(request?.headers.get('Content-Type')).toBe('application/json');
	const { n, e } = jwk;
	expect(JSON.parse(request?.body ?? '')).toEqual({
		software_id: CLIENT_ID,
		jwks: { keys: [{ kty: 'RSA', n, e, kid: 'k-1', alg: 'RS384', use: 'sig' }] },
	});
});

test.each([200, 201])('a %i with a client_id is a registration', async (status) => {
	expect(await processRegisterResponse(json({ client_id: 'd-1' }, { status }))).toEqual({ clientId: 'd-1' });
});

test.each([400, 401, 403, 404, 405, 501])('a %i means that there is none to be had', async (status) => {
	expect(await processRegisterResponse(json({ error: 'invalid_token' }, { status }))).toBeNull();
	expect(await processRegisterResponse(new Response('<html>', { status }))).toBeNull();
});

test.each([
	[429, {}, 'rate_limited'],
	[500, {}, 'provider_unavailable'],
	[503, {}, 'provider_unavailable'],
	[200, '<html>Sign in to this network</html>', 'provider_unavailable'],
	[201, {}, 'provider_unavailable'],
	[201, { client_id: '' }, 'provider_unavailable'],
])('a %i with %j is worth trying again', async (status, body, code) => {
	expect(await codeOf(processRegisterResponse(json(body, { status })))).toBe(code);
});

test('a JWT bearer grant shows an RS384 assertion of the device’s client, each time another', async () => {
	network(() => json({ access_token: 'at' }));
	const { privateKey } = await generateKeyPair('RS384');
	const device = { ...registration(), clientId: 'device-1' };
	for (let n = 0; n < 2; n++) await jwtBearerRequest(device, { key: privateKey, kid: 'k-1' });
	const forms = sent.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
	for (const { assertion = '', ...form } of forms) {
		expect(form).toEqual({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_id: 'device-1' });
		expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS384', kid: 'k-1', typ: 'JWT' });
		const { iss, sub, aud } = decodeJwt(assertion);
		expect({ iss, sub, aud }).toEqual({ iss: 'device-1', sub: 'device-1', aud: 'https://auth.test/token' });
	}
	expect(new Set(forms.map(({ assertion = '' }) => decodeJwt(assertion).jti)).size).toBe(2);
});

test.each(['invalid_client', 'invalid_grant'])(
	'a wrong clock that shows as %s is corrected before it counts',
	async (error) => {
		const headers = { Date: new Date(Date.now() - 7_200_000).toUTCString() };
		network(async (request) => {
			const claims = decodeJwt(new URLSearchParams(await request.text()).get('assertion') ?? '');
			const good = (claims.iat ?? 0) * 1000 <= Date.now() - 7_200_000;
			return good ? json({ access_token: 'at' }, { headers }) : json({ error }, { status: 400, headers });
		});
		const { privateKey } = await generateKeyPair('RS384');
		expect((await jwtBearerRequest(registration(), { key: privateKey, kid: 'k' })).status).toBe(200);
		expect(sent).toHaveLength(2);
	},
);
