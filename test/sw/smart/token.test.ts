import { expect, test } from 'vitest';
import { authorizeRequest, processAuthorizeResponse } from '../../../sw/smart/authorize.js';
import {
	authorizationCodeRequest,
	introspectExpiry,
	processAuthorizationCodeResponse,
	processRefreshResponse,
	refreshRequest,
	revoke,
} from '../../../sw/smart/token.js';
import { codeOf, json, network, sent } from '../setup.js';
import { CLIENT_ID, everythingIn, registration } from './support.js';

const NONCE = 'n'.repeat(43);
const SECRETS = ['at-SECRET-1', 'rt-SECRET-2'];
const body = {
	access_token: SECRETS[0],
	token_type: 'Bearer',
	refresh_token: SECRETS[1],
	patient: 'p1',
	expires_in: 3600,
};

const judge = (answer: unknown, init: ResponseInit = {}, config: Parameters<typeof registration>[0] = {}) =>
	processAuthorizationCodeResponse(registration(config), json(answer, init), NONCE);
const judgeRefresh = (answer: unknown, init: ResponseInit = {}) => processRefreshResponse(json(answer, init));

// --- requests ---------------------------------------------------------------------------------------------------

test('the code request is a form with the verifier, without any client secret', async () => {
	network(() => json(body));
	const at = registration();
	const { pending } = await authorizeRequest(at, { redirectUri: 'https://app.test/cb', scope: 'openid' });
	const checked = processAuthorizeResponse(new URLSearchParams({ code: 'c-1', state: pending.state }), pending, at);
	await authorizationCodeRequest(at, checked, pending);
	expect(sent).toHaveLength(1);
	const [request] = sent;
	expect(request).toMatchObject({ method: 'POST', url: 'https://auth.test/token' });
	expect(request?.headers.get('Content-Type')).toMatch(/^application\/x-www-form-urlencoded/);
	expect(request?.headers.has('Authorization')).toBe(false);
	expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
		grant_type: 'authorization_code',
		code: 'c-1',
		client_id: CLIENT_ID,
		redirect_uri: 'https://app.test/cb',
		code_verifier: pending.codeVerifier,
	});
});

test('a refresh asks without scope, unless the vendor wants it repeated', async () => {
	network(() => json(body));
	await refreshRequest(registration(), 'rt-1');
	await refreshRequest(registration(), 'rt-1', 'patient/*.rs');
	const asked = sent.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
	const form = { grant_type: 'refresh_token', refresh_token: 'rt-1', client_id: CLIENT_ID };
	expect(asked).toEqual([form, { ...form, scope: 'patient/*.rs' }]);
});

test('no token of any request is in a URL', async () => {
	network(() => json({ active: true, exp: 1 }));
	await refreshRequest(registration(), SECRETS[1] ?? '');
	await revoke(registration(), SECRETS[1] ?? '', 'refresh_token');
	await introspectExpiry(registration(), SECRETS[1] ?? '', SECRETS[0] ?? '');
	expect(sent).toHaveLength(3);
	for (const { url } of sent) expect(url).not.toContain('SECRET');
});

// --- what an answer says ----------------------------------------------------------------------------------------

test('an answer is read as it is', async () => {
	const tokens = await judge({ ...body, scope: 'patient/*.read' });
	expect(tokens).toMatchObject({
		accessToken: SECRETS[0],
		refreshToken: SECRETS[1],
		patient: 'p1',
		scope: 'patient/*.read',
	});
	expect(everythingIn(tokens.fields)).not.toContain('SECRET');
});

test.each([
	['3600', 3600],
	[3600, 3600],
	[1e308, 365 * 24 * 3600],
])('expires_in %j lasts %i seconds', async (expires_in, seconds) => {
	const before = Date.now();
	const { accessExpiresAt } = await judge({ ...body, expires_in });
	expect(accessExpiresAt).toBeGreaterThanOrEqual(before + seconds * 1000);
	expect(accessExpiresAt).toBeLessThanOrEqual(Date.now() + seconds * 1000);
	expect(JSON.parse(JSON.stringify({ accessExpiresAt })).accessExpiresAt).toBe(accessExpiresAt);
});

test.each([undefined, null, -5, 0, 'soon', '-5', '', {}, '9'.repeat(400)])(
	'expires_in %j does not tell when access ends, and no end is made up',
	async (expires_in) => {
		expect((await judge({ ...body, expires_in })).accessExpiresAt).toBeNull();
	},
);

test('no refresh token is null, however it is missing', async () => {
	for (const refresh_token of [undefined, null, ''])
		expect((await judge({ ...body, refresh_token })).refreshToken).toBeNull();
});

test('a first answer without a patient is refused; a refresh need not repeat it', async () => {
	for (const patient of [undefined, null, '', 7]) {
		expect(await codeOf(judge({ ...body, patient }))).toBe('patient_missing');
		expect((await judgeRefresh({ ...body, patient })).patient).toBeNull();
	}
});

test('an access token that no header can carry is no answer', async () => {
	for (const access_token of ['a\nb', 'ä', ''])
		expect(await codeOf(judgeRefresh({ ...body, access_token })), JSON.stringify(access_token)).toBe(
			'token_response_invalid',
		);
});

test('another patient on refresh is told, with the tokens that are to be ended', async () => {
	expect(await judgeRefresh({ ...body, patient: 'p2' })).toMatchObject({
		patient: 'p2',
		accessToken: body.access_token,
	});
});

test('how far the provider’s clock is off comes from its Date, where it is readable and matters', async () => {
	const date = (offset: number) => ({ headers: { Date: new Date(Date.now() + offset).toUTCString() } });
	expect((await judge(body)).clockOffset).toBeNull();
	expect((await judge(body, date(5_000))).clockOffset).toBe(0);
	const { clockOffset } = await judge(body, date(3_600_000));
	expect(Math.abs((clockOffset ?? 0) - 3_600_000)).toBeLessThan(30_000);
});

test.each([
	['no access token', { ...body, access_token: undefined }],
	['an empty access token', { ...body, access_token: '' }],
	['a number for a token', { ...body, access_token: 7 }],
	['an array', [body]],
	['null', null],
])('%s is not a token response', async (_what, answer) => {
	expect(await codeOf(judge(answer))).toBe('token_response_invalid');
	expect(await codeOf(judgeRefresh(answer))).toBe('token_response_invalid');
});

test('a web page is something in between, never an end of access', async () => {
	const page = (status: number) =>
		new Response('<html>Sign in</html>', { status, headers: { 'Content-Type': 'text/html' } });
	for (const status of [200, 400, 401, 403, 404, 500])
		expect(await codeOf(processRefreshResponse(page(status))), String(status)).toBe('provider_unavailable');
	expect(await codeOf(processRefreshResponse(page(429)))).toBe('rate_limited');
});

test('the same error codes come from both grants', async () => {
	for (const [status, error, code] of [
		[400, 'invalid_grant', 'reauthorization_required'],
		[401, 'invalid_client', 'client_rejected'],
		[503, undefined, 'provider_unavailable'],
	] as const) {
		expect(await codeOf(judge({ error }, { status }))).toBe(code);
		expect(await codeOf(judgeRefresh({ error }, { status }))).toBe(code);
	}
});

test('no error holds anything of the answer that caused it', async () => {
	const answers: Promise<unknown>[] = [
		judge({ ...body, patient: undefined }),
		judge({ ...body, expires_in: undefined, access_token: [SECRETS[0]] }),
		judge({ ...body, id_token: `${SECRETS[0]}.x.y` }),
		judge({ ...body, error: 'invalid_grant' }, { status: 400 }),
		judge({ ...body, error: SECRETS[0] }, { status: 400 }),
		processRefreshResponse(new Response(JSON.stringify(body).slice(0, -1))),
	];
	for (const action of answers) {
		const error: unknown = await action.then(
			() => undefined,
			(thrown: unknown) => thrown,
		);
		expect(error).toBeInstanceOf(Error);
		expect(everythingIn(error)).not.toContain('SECRET');
	}
});

// --- leaving, and asking for the end ----------------------------------------------------------------------------

test('revoking says whether the provider said yes, and never throws', async () => {
	network(() => new Response(null, { status: 200 }));
	expect(await revoke(registration(), 'rt', 'refresh_token')).toBe(true);
	expect(Object.fromEntries(new URLSearchParams(sent[0]?.body))).toMatchObject({ token: 'rt', client_id: CLIENT_ID });
	network(() => new Response(null, { status: 503 }));
	expect(await revoke(registration(), 'rt', 'refresh_token')).toBe(false);
	network(() => {
		throw new TypeError('down');
	});
	expect(await revoke(registration(), 'rt', 'refresh_token')).toBe(false);
	sent.length = 0;
	expect(await revoke(registration({ revocationEndpoint: null }), 'rt', 'refresh_token')).toBe(false);
	expect(sent).toHaveLength(0);
});

test('introspection shows the access token and asks for the refresh token’s end', async () => {
	network(() => json({ active: true, exp: 1_800_000_000 }));
	expect(await introspectExpiry(registration(), 'rt', 'at')).toBe(1_800_000_000_000);
	expect(sent[0]?.headers.get('Authorization')).toBe('Bearer at');
	expect(Object.fromEntries(new URLSearchParams(sent[0]?.body))).toEqual({
		token: 'rt',
		token_type_hint: 'refresh_token',
	});
});

test('introspection that does not tell is null, whatever it answers', async () => {
	for (const answer of [
		json({ active: false, exp: 1 }),
		json({ active: true }),
		json({ active: true, exp: 1 }, { status: 403 }),
		new Response('<html>'),
	]) {
		network(() => answer.clone());
		expect(await introspectExpiry(registration(), 'rt', 'at')).toBeNull();
	}
	expect(await introspectExpiry(registration({ introspectionEndpoint: null }), 'rt', 'at')).toBeNull();
});
