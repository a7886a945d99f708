/**
 * Token requests and responses: authorization code (RFC 6749, section 4.1.3), refresh (section 6), revocation (RFC 7009)
 * and introspection (RFC 7662). `x…Request` makes the request, `processX…Response` judges the answer; neither stores
 * anything.
 */
import * as oauth from 'oauth4webapi';
import * as v from 'valibot';
import { BrokerError } from '../errors.js';
import { bodyJson, http } from '../http.js';
import { authorizationServer, oauthClient, type Registration, requestOptions, tokenEndpointError } from './client.js';

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
	clockOffset: number;
}

export function authorizationCodeRequest(
	registration: Registration,
	parameters: URLSearchParams,
	pending: { redirectUri: string; codeVerifier: string },
): Promise<Response> {
	return oauth.authorizationCodeGrantRequest(
		authorizationServer(registration),
		oauthClient(registration),
		oauth.None(),
		parameters,
		pending.redirectUri,
		pending.codeVerifier,
		requestOptions(registration),
	);
}

/**
 * @throws {BrokerError} `token_response_invalid`, `id_token_invalid`, `patient_missing`, and those of
 * `tokenEndpointError`
 */
export async function processAuthorizationCodeResponse(
	registration: Registration,
	response: Response,
	nonce: string,
): Promise<Tokens & { patient: string }> {
	const body = await successBody(response);
	// An id_token can only be judged where the server says who it is (OpenID Connect Core, section 3.1.3.7). No claim of it
	// is used, so an unverifiable one is left out rather than trusted.
	const idToken = registration.config.issuer ? body.id_token : undefined;
	if (idToken !== undefined) await checkIdToken(registration, { ...body, token_type: 'bearer' }, nonce);
	const tokens = readTokens(body, response);
	if (!tokens.patient) throw new BrokerError('patient_missing');
	return { ...tokens, patient: tokens.patient };
}

export function refreshRequest(registration: Registration, refreshToken: string, scope?: string): Promise<Response> {
	return oauth.refreshTokenGrantRequest(
		authorizationServer(registration),
		oauthClient(registration),
		oauth.None(),
		refreshToken,
		{ ...requestOptions(registration), ...(scope ? { additionalParameters: { scope } } : {}) },
	);
}

/**
 * A new id_token in the answer is not looked at: nothing uses it, and a rotated refresh token must not be lost over it.
 * @param patient the connection's; another one means that this is somebody else's access
 * @throws {BrokerError} `token_response_invalid`, `patient_mismatch`, and those of `tokenEndpointError`
 */
export async function processRefreshResponse(response: Response, patient: string): Promise<Tokens> {
	const tokens = readTokens(await successBody(response), response);
	if (tokens.patient !== null && tokens.patient !== patient) throw new BrokerError('patient_mismatch');
	return tokens;
}

/** Asks the provider to end the grant (RFC 7009). @returns whether it said that it did */
export async function revoke(
	registration: Registration,
	token: string,
	hint: 'refresh_token' | 'access_token',
): Promise<boolean> {
	if (!registration.config.revocationEndpoint) return false;
	try {
		const response = await oauth.revocationRequest(
			authorizationServer(registration),
			oauthClient(registration),
			oauth.None(),
			token,
			{
				...requestOptions(registration),
				additionalParameters: { token_type_hint: hint },
			},
		);
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
	access_token: v.pipe(v.string(), v.minLength(1)),
	refresh_token: v.optional(v.nullable(v.string())),
	id_token: v.optional(v.string()),
	scope: v.optional(v.fallback(v.nullable(v.string()), null)),
	// FHIR ids have at most 64 characters; some servers' are longer.
	patient: v.optional(v.fallback(v.nullable(v.pipe(v.string(), v.maxLength(200))), null)),
	expires_in: v.optional(v.unknown()),
});
type TokenResponse = v.InferOutput<typeof TokenResponse>;

/** No cause is kept: it would hold the answer, and with it tokens. */
async function successBody(response: Response): Promise<TokenResponse> {
	const json: unknown = await response
		.clone()
		.json()
		.catch(() => undefined);
	if (response.status !== 200) {
		const error =
			typeof json === 'object' && json !== null && 'error' in json && typeof json.error === 'string'
				? json.error
				: undefined;
		throw tokenEndpointError(response, error);
	}
	if (json === undefined) throw new BrokerError('provider_unavailable');
	const parsed = v.safeParse(TokenResponse, json);
	if (!parsed.success) throw new BrokerError('token_response_invalid');
	return parsed.output;
}

function readTokens(body: TokenResponse, response: Response): Tokens {
	const { access_token, refresh_token, id_token: _unused, ...fields } = body;
	const serverNow = Date.parse(response.headers.get('Date') ?? '');
	const now = Date.now();
	const lifetime = readLifetime(body.expires_in);
	return {
		accessToken: access_token,
		accessExpiresAt: lifetime === null ? null : now + lifetime * 1000,
		refreshToken: refresh_token || null,
		scope: body.scope ?? null,
		patient: body.patient || null,
		fields,
		// Half a minute is the network and the header's whole seconds.
		clockOffset: Number.isNaN(serverNow) || Math.abs(serverNow - now) < 30_000 ? 0 : serverNow - now,
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

/** Full validation (S:201, S:218): claims by the library, the signature wherever the keys can be fetched. */
async function checkIdToken(registration: Registration, body: TokenResponse, nonce: string): Promise<void> {
	const server = authorizationServer(registration);
	// Only what the check needs, so that an odd `expires_in` cannot fail it.
	const { access_token, token_type, id_token } = body;
	const response = Response.json({ access_token, token_type, id_token });
	try {
		await oauth.processAuthorizationCodeResponse(server, oauthClient(registration), response, {
			expectedNonce: nonce,
			requireIdToken: true,
		});
	} catch {
		throw new BrokerError('id_token_invalid');
	}
	if (!server.jwks_uri) return;
	try {
		await oauth.validateApplicationLevelSignature(server, response, requestOptions(registration));
	} catch (error) {
		// Keys without CORS: the token came straight from the token endpoint over TLS, which may stand in for the signature
		// (OpenID Connect Core, section 3.1.3.7, item 6).
		if (!(error instanceof BrokerError)) throw new BrokerError('id_token_invalid');
	}
}
