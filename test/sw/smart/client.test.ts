import { expect, test } from 'vitest';
import { isTransient } from '../../../sw/errors.js';
import { tokenEndpointError } from '../../../sw/smart/client.js';
import { vendorAuth } from '../../../sw/smart/vendors.js';
import '../setup.js';

const judge = (status: number, error?: string, headers: HeadersInit = {}) =>
	tokenEndpointError(new Response(null, { status, headers }), error);

/** The classes of errors, row by row: what the server said, the code, and whether it passes by itself. */
test.each([
	// the grant is dead
	[400, 'invalid_grant', 'reauthorization_required', false],
	[401, 'invalid_grant', 'reauthorization_required', false],
	// client or set-up: the token is kept
	[401, 'invalid_client', 'client_rejected', false],
	[400, 'invalid_client', 'client_rejected', false],
	[400, 'unauthorized_client', 'client_rejected', false],
	[400, 'invalid_scope', 'client_rejected', false],
	[400, 'invalid_request', 'client_rejected', false],
	[400, 'unsupported_grant_type', 'client_rejected', false],
	// the person said no
	[400, 'access_denied', 'access_denied', false],
	// transient, never "expired"
	[429, undefined, 'rate_limited', true],
	[429, 'invalid_grant', 'rate_limited', true],
	[500, undefined, 'provider_unavailable', true],
	[502, 'invalid_grant', 'provider_unavailable', true],
	[503, undefined, 'provider_unavailable', true],
	[400, 'temporarily_unavailable', 'provider_unavailable', true],
	[400, 'server_error', 'provider_unavailable', true],
	[400, undefined, 'provider_unavailable', true],
	[403, undefined, 'provider_unavailable', true],
	// an error nobody knows is no verdict on the grant
	[400, 'something_new', 'provider_error', false],
])('%i with error=%s is %s', (status, error, code, transient) => {
	expect(judge(status, error).code).toBe(code);
	expect(isTransient(judge(status, error).code)).toBe(transient);
});

test('where a vendor’s errors arrive as 500, the error member says what is meant, and without one it is an outage', () => {
	const at = (status: number, error?: string) =>
		tokenEndpointError(new Response(null, { status }), error, vendorAuth('drchrono')).code;
	expect(at(500, 'invalid_grant')).toBe('reauthorization_required');
	expect(at(500, 'invalid_client')).toBe('client_rejected');
	expect(at(500, 'server_error')).toBe('provider_unavailable');
	expect(at(500)).toBe('provider_unavailable');
	expect(at(502, 'invalid_grant')).toBe('provider_unavailable');
});

test('only invalid_grant ends a connection', () => {
	for (const status of [400, 401, 403, 404, 429, 500, 503])
		for (const error of [undefined, 'invalid_client', 'invalid_token', 'expired', 'login_required'])
			expect(judge(status, error).code).not.toBe('reauthorization_required');
});

test('Retry-After counts in both of its forms', () => {
	const before = Date.now();
	const inSeconds = judge(429, undefined, { 'Retry-After': '120' }).retryAt ?? 0;
	expect(inSeconds - before).toBeGreaterThanOrEqual(120_000);
	expect(inSeconds - before).toBeLessThan(180_000);
	const date = 'Sun, 22 Nov 2026 12:00:00 GMT';
	expect(judge(503, undefined, { 'Retry-After': date }).retryAt).toBe(Date.parse(date));
	expect(judge(503, undefined, { 'Retry-After': 'later' }).retryAt).toBeUndefined();
	expect(judge(429).retryAt).toBeUndefined();
});
