/**
 * How a client authenticates at a token or revocation endpoint: one interface (oauth4webapi's `ClientAuth`) over the strategies
 * of the directory. `none` and `device-key` name themselves only; `embedded-key` and `relay-signed` show a client assertion
 * (`private_key_jwt`: RFC 7523, section 2.2; SMART App Launch 2.2, "Asymmetric Authentication").
 */
import * as oauth from 'oauth4webapi';
import * as v from 'valibot';
import { Assertion, type ClientAuth, Problem, routes } from '../../relay/contract.js';
import type { ErrorCode } from '../contract.js';
import { asBrokerError, BrokerError } from '../errors.js';
import { bodyJson, type HttpAnswer, type HttpOptions, http, retryAfter } from '../http.js';
import { authorizationServer, oauthClient, type Registration } from './client.js';
import { byServerClock } from './clock.js';

/** A private key that signs, not extractable, and the name it has in its JWK set. */
export interface SigningKey {
	key: CryptoKey;
	kid: string;
}

/** How long an assertion is good, in seconds; at most five minutes are allowed. */
const LIFETIME_S = 240;
/** Servers whose clock is a little behind would take it for one of the future. */
const BACKDATED_S = 20;

/** `private_key_jwt` with a key at hand. The algorithm is the key's: RS384 or ES384. */
export function signedBy({ key, kid }: SigningKey, { config, clockOffset = 0 }: Registration): oauth.ClientAuth {
	return oauth.PrivateKeyJwt(
		{ key, kid },
		{
			[oauth.modifyAssertion]: (header, payload) => {
				header.typ = 'JWT';
				const now = Math.floor((Date.now() + clockOffset) / 1000);
				payload.aud = config.tokenEndpoint;
				payload.iat = now - BACKDATED_S;
				payload.nbf = now - BACKDATED_S;
				payload.exp = now + LIFETIME_S;
			},
		},
	);
}

/** The same assertion by itself: the `assertion` of a JWT bearer grant (RFC 7523, section 2.1). */
export async function assertionOf(key: SigningKey, registration: Registration): Promise<string> {
	const body = new URLSearchParams();
	await signedBy(key, registration)(authorizationServer(registration), oauthClient(registration), body, new Headers());
	return body.get('client_assertion') ?? '';
}

/** @throws {BrokerError} when it is used: `client_rejected`, and those of `processAssertionResponse` */
export function clientAuthentication(registration: Registration): oauth.ClientAuth {
	const { clientAuth = { method: 'none' } } = registration;
	switch (clientAuth.method) {
		case 'embedded-key':
			return async (...given) => {
				const key = await importKey(clientAuth.key);
				try {
					await signedBy(key, registration)(...given);
				} catch {
					// What imports may still not sign.
					throw new BrokerError('client_rejected');
				}
			};
		case 'relay-signed':
			return async (_server, client, body) => {
				const assertion = await relayAssertion(registration, clientAuth);
				body.set('client_id', client.client_id);
				body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
				body.set('client_assertion', assertion);
			};
		default:
			return oauth.None();
	}
}

/**
 * Finds out before somebody is sent to a provider whether this client could authenticate afterwards.
 * @throws {BrokerError} as `clientAuthentication`
 */
export async function checkClientAuth(registration: Registration): Promise<void> {
	const [server, client] = [authorizationServer(registration), oauthClient(registration)];
	await clientAuthentication(registration)(server, client, new URLSearchParams(), new Headers());
}

/**
 * Sends an authenticated request. Where the client was refused and the clocks differ, it is sent once more by the server's clock:
 * authentication comes before anything that works once only (RFC 6749, section 3.2.1). The relay signs by its own clock.
 */
export function authenticated(
	registration: Registration,
	send: (auth: oauth.ClientAuth) => Promise<Response>,
): Promise<Response> {
	const request = (at: Registration) => send(clientAuthentication(at));
	if (registration.clientAuth?.method !== 'embedded-key') return request(registration);
	return byServerClock(registration, request, ['invalid_client']);
}

// --- a key of the directory -------------------------------------------------------------------------------------

const text = v.pipe(v.string(), v.minLength(1));
/** Only the key itself: `key_ops`, `ext` and `use` of somebody's tool must not stand in the way. */
const PrivateJwk = v.variant('kty', [
	v.object({
		kty: v.literal('RSA'),
		alg: v.optional(v.literal('RS384')),
		...{ n: text, e: text, d: text, p: text, q: text, dp: text, dq: text, qi: text },
	}),
	v.object({
		kty: v.literal('EC'),
		crv: v.literal('P-384'),
		alg: v.optional(v.literal('ES384')),
		...{ x: text, y: text, d: text },
	}),
]);

/** @throws {BrokerError} `client_rejected`: no key that SMART servers have to accept */
async function importKey(jwk: Extract<ClientAuth, { method: 'embedded-key' }>['key']): Promise<SigningKey> {
	const parsed = v.safeParse(PrivateJwk, jwk);
	if (!parsed.success) throw new BrokerError('client_rejected');
	const algorithm =
		parsed.output.kty === 'RSA'
			? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' }
			: { name: 'ECDSA', namedCurve: 'P-384' };
	const { alg: _checked, ...material } = parsed.output;
	try {
		return { key: await crypto.subtle.importKey('jwk', material, algorithm, false, ['sign']), kid: jwk.kid };
	} catch {
		// Nothing of the key goes into an error.
		throw new BrokerError('client_rejected');
	}
}

// --- an assertion of the relay ----------------------------------------------------------------------------------

type RelaySigned = Extract<ClientAuth, { method: 'relay-signed' }>;

/**
 * Asks for the token endpoint that the directory names, and only if that is where the assertion will go: an assertion shown to
 * another server could be used at this one.
 * @throws {BrokerError} `assertion_refused`
 */
export function assertionRequest(
	{ clientId, config }: Registration,
	{ tokenEndpoint }: RelaySigned,
): [path: string, options: HttpOptions] {
	if (new URL(tokenEndpoint).href !== config.tokenEndpoint) throw new BrokerError('assertion_refused');
	const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
	const body = JSON.stringify({ clientId, tokenEndpoint });
	return [routes.assertions, { method: 'POST', headers, body, timeout: 15_000, maxBytes: 64 * 1024 }];
}

/**
 * Nothing here is a verdict on anybody's access.
 * @throws {BrokerError} `assertion_refused`, `relay_unavailable` (passes by itself), `relay_error`
 */
export function processAssertionResponse(answer: HttpAnswer): string {
	const { status, headers } = answer;
	const json = bodyJson(answer);
	if (status === 200) {
		const parsed = v.safeParse(Assertion, json);
		if (!parsed.success) throw new BrokerError('relay_error');
		return parsed.output.assertion;
	}
	const problem = v.safeParse(Problem, json);
	throw new BrokerError(refusal(status), {
		correlationId: problem.success ? problem.output.correlationId : undefined,
		retryAt: retryAfter(headers, Date.now()),
	});
}

/** 404: a host that serves the app and signs for nobody. */
function refusal(status: number): ErrorCode {
	if (status === 403 || status === 404) return 'assertion_refused';
	return status === 429 || status >= 500 ? 'relay_unavailable' : 'relay_error';
}

async function relayAssertion(registration: Registration, auth: RelaySigned): Promise<string> {
	const [path, options] = assertionRequest(registration, auth);
	const url = new URL(path, self.location.origin).href;
	const answer = await http(url, { ...options, redirected: 'relay_error' }).catch((cause) => {
		throw UNREACHED.has(asBrokerError(cause).code) ? new BrokerError('relay_unavailable', { cause }) : cause;
	});
	return processAssertionResponse(answer);
}

/** The app's host that is down is not a provider that is down. */
const UNREACHED = new Set<ErrorCode>(['network', 'cors', 'timeout']);
