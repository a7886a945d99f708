/**
 * Token requests and responses: authorization code (RFC 6749, section 4.1.3), refresh (section 6), revocation (RFC 7009)
 * and introspection (RFC 7662). `x…Request` makes the request, `processX…Response` judges the answer; neither stores
 * anything.
 */
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as v from 'valibot';
import { BrokerError } from '../errors.js';
import { bodyJson, http } from '../http.js';
import {
	authorizationServer,
	jsonOf,
	oauthClient,
	type Registration,
	requestOptions,
	tokenEndpointError,
} from './client.js';
import { authenticated, type SigningKey, signedBy } from './client-auth.js';
import { offsetOf } from './clock.js';
import { checkIdToken } from './id-token.js';
import type { VendorAuth } from './vendors.js';

/** A judged token response. Times in milliseconds since the epoch. */
export interface Tokens {
	accessToken: string;
	/** When the access token ends; null where the answer did not tell. */
	accessExpiresAt: number | null;
	/** Null when the answer had none: on a refresh the old one stays (RFC 6749, section 6). */
	refreshToken: string | null;
	/** Granted scopes; null when the answer did not say, which means: as asked (section 5.1). */
	scope: string | null;
	/** SMART's launch context. */
	patient: string | null;
	/** The whole answer without its tokens, for `sw/smart/expiry.ts`. */
	fields: Record<string, unknown>;
	/** The provider's clock minus ours, from `Date`; 0 where it cannot be read. */
	clockOffset: number | null;
}

/** @param parameters as `processAuthorizeResponse` gives them: checked, with one code */
export function authorizationCodeRequest(
	registration: Registration,
	parameters: URLSearchParams,
	pending: { redirectUri: string; codeVerifier: string },
): Promise<Response> {
	return authenticated(registration, (auth) =>
		oauth.genericTokenEndpointRequest(
			authorizationServer(registration),
			oauthClient(registration),
			auth,
			'authorization_code',
			{
				code: parameters.get('code') ?? '',
				redirect_uri: pending.redirectUri,
				code_verifier: pending.codeVerifier,
			},
			requestOptions(registration),
		),
	);
}

/**
 * @param vendor says where else the patient may be named
 * @throws {BrokerError} `token_response_invalid`, `id_token_invalid`, `patient_missing`, and those of
 * `tokenEndpointError`
 */
export async function processAuthorizationCodeResponse(
	registration: Registration,
	response: Response,
	nonce: string,
	vendor: VendorAuth = {},
): Promise<Tokens & { patient: string }> {
	const body = await successBody(response, vendor);
	// An id_token can only be judged where the server says who it is (OpenID Connect Core, section 3.1.3.7). No claim of it
	// is used, so an unverifiable one is left out rather than trusted.
	const idToken = registration.config.issuer ? body.id_token : undefined;
	if (idToken !== undefined) {
		await checkIdToken(registration, { access_token: body.access_token, id_token: idToken }, response.headers, nonce);
	}
	const tokens = readTokens(body, response);
	const patient = tokens.patient ?? (vendor.contextInAccessToken ? patientClaim(tokens.accessToken) : null);
	if (!patient) throw new BrokerError('patient_missing');
	return { ...tokens, patient };
}

/** Nothing is verified: the token came from the token endpoint itself, like the member that is missing. */
function patientClaim(accessToken: string): string | null {
	try {
		const { patient } = decodeJwt(accessToken);
		return typeof patient === 'string' && patient.length <= 200 ? patient : null;
	} catch {
		return null;
	}
}

export function refreshRequest(registration: Registration, refreshToken: string, scope?: string): Promise<Response> {
	return authenticated(registration, (auth) =>
		oauth.genericTokenEndpointRequest(
			authorizationServer(registration),
			oauthClient(registration),
			auth,
			'refresh_token',
			{ refresh_token: refreshToken, ...(scope ? { scope } : {}) },
			requestOptions(registration),
		),
	);
}

/**
 * A new id_token in the answer is not looked at: nothing uses it, and a rotated refresh token must not be lost over it.
 * Whose access it is, is the caller's to judge: access to another patient's record is to be ended, and for that it takes the tokens.
 * @throws {BrokerError} `token_response_invalid`, and those of `tokenEndpointError`
 */
export async function processRefreshResponse(response: Response, vendor: VendorAuth = {}): Promise<Tokens> {
	return readTokens(await successBody(response, vendor), response);
}

/** Nobody who leaves waits longer, in milliseconds. */
const REVOKE_TIMEOUT_MS = 10_000;

/**
 * Asks the provider to end the grant (RFC 7009), and never throws.
 * @param key signs where the client is this device's own
 * @returns whether it said that it did
 */
export async function revoke(
	registration: Registration,
	token: string,
	hint: 'refresh_token' | 'access_token',
	key?: SigningKey,
): Promise<boolean> {
	if (!registration.config.revocationEndpoint) return false;
	const send = (auth: oauth.ClientAuth) =>
		oauth.revocationRequest(authorizationServer(registration), oauthClient(registration), auth, token, {
			...requestOptions(registration, REVOKE_TIMEOUT_MS),
			additionalParameters: { token_type_hint: hint },
		});
	try {
		const response = await (key ? send(signedBy(key, registration)) : authenticated(registration, send));
		return response.ok;
	} catch {
		return false;
	}
}

/**
 * When a refresh token ends, as the server tells a public client that shows its access token (RFC 7662, Epic's way).
 * @returns milliseconds since the epoch, or null where it does not tell
 */
export async function introspectExpiry(
	registration: Registration,
	refreshToken: string,
	accessToken: string,
): Promise<number | null> {
	const endpoint = registration.config.introspectionEndpoint;
	if (!endpoint) return null;
	try {
		const answer = await http(endpoint, {
			method: 'POST',
			headers: { Authorization: `Bearer ${accessToken}`, Accept: 'application/json' },
			body: new URLSearchParams({ token: refreshToken, token_type_hint: 'refresh_token' }),
			timeout: 10_000,
			maxBytes: 64 * 1024,
		});
		const { active, exp } = bodyJson(answer) ?? {};
		return answer.status === 200 && active === true && typeof exp === 'number' ? exp * 1000 : null;
	} catch {
		return null;
	}
}

const TokenResponse = v.looseObject({
	// What a header can carry (RFC 6750, section 2.1): anything else would fail later, and look like the network's fault.
	access_token: v.pipe(v.string(), v.regex(/^[\x20-\x7e]+$/)),
	refresh_token: v.optional(v.nullable(v.string())),
	id_token: v.optional(v.string()),
	scope: v.optional(v.fallback(v.nullable(v.string()), null)),
	// FHIR ids have at most 64 characters; some servers' are longer.
	patient: v.optional(v.fallback(v.nullable(v.pipe(v.string(), v.maxLength(200))), null)),
	expires_in: v.optional(v.unknown()),
});
type TokenResponse = v.InferOutput<typeof TokenResponse>;

/** No cause is kept: it would hold the answer, and with it tokens. */
async function successBody(response: Response, vendor: VendorAuth): Promise<TokenResponse> {
	const json = await jsonOf(response);
	const error = typeof json?.error === 'string' ? json.error : undefined;
	if (response.status !== 200) throw tokenEndpointError(response, error, vendor);
	if (!json) throw new BrokerError('provider_unavailable');
	const parsed = v.safeParse(TokenResponse, json);
	if (!parsed.success) throw new BrokerError('token_response_invalid');
	return parsed.output;
}

function readTokens(body: TokenResponse, response: Response): Tokens {
	const { access_token, refresh_token, id_token: _unused, ...fields } = body;
	const now = Date.now();
	const lifetime = readLifetime(body.expires_in);
	return {
		accessToken: access_token,
		accessExpiresAt: lifetime === null ? null : now + lifetime * 1000,
		refreshToken: refresh_token || null,
		scope: body.scope ?? null,
		patient: body.patient || null,
		fields,
		clockOffset: offsetOf(response.headers, now),
	};
}

/** A year: longer is not believed, and an end beyond all calendars could not be written down. */
const LONGEST_LIFETIME_S = 365 * 24 * 60 * 60;

/** `expires_in` in seconds; missing, negative and nonsense count as not told, a string of digits as a number. */
function readLifetime(value: unknown): number | null {
	const seconds = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
	const told = typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds);
	return told ? Math.min(seconds, LONGEST_LIFETIME_S) : null;
}
