/**
 * A client of this device's own: dynamic registration with the access token of a sign-in (RFC 7591, in Epic's way), then the JWT
 * bearer grant (RFC 7523, section 2.1). The key never leaves the browser, and there is no refresh token to lose.
 */
import * as oauth from 'oauth4webapi';
import { BrokerError } from '../errors.js';
import { retryAfter } from '../http.js';
import { authorizationServer, jsonOf, oauthClient, type Registration, requestOptions } from './client.js';
import { assertionOf, type SigningKey } from './client-auth.js';
import { byServerClock } from './clock.js';
import type { SmartConfiguration } from './discover.js';

/** `register` beside the authorize endpoint, or what the server itself names at that origin: the request carries a token. */
export function registrationEndpoint({ authorizationEndpoint, registrationEndpoint }: SmartConfiguration): string {
	const sibling = new URL('register', authorizationEndpoint);
	const named = registrationEndpoint ? new URL(registrationEndpoint) : sibling;
	return (named.origin === sibling.origin ? named : sibling).href;
}

/** @param accessToken of the sign-in; many servers take it once for this */
export function registerRequest(
	registration: Registration,
	publicKey: JsonWebKey & { kid: string },
	accessToken: string,
): Promise<Response> {
	const { kty, n, e, kid } = publicKey;
	const jwks = { keys: [{ kty, n, e, kid, alg: 'RS384', use: 'sig' }] };
	return requestOptions(registration)[oauth.customFetch](registrationEndpoint(registration.config), {
		method: 'POST',
		headers: {
			Authorization: `Bearer ${accessToken}`,
			'Content-Type': 'application/json',
			Accept: 'application/json',
		},
		body: JSON.stringify({ software_id: registration.clientId, jwks }),
	});
}

/**
 * @returns null where the server does not register clients, or not with this token (any more)
 * @throws {BrokerError} `rate_limited`, `provider_unavailable`: worth trying again
 */
export async function processRegisterResponse(response: Response): Promise<{ clientId: string } | null> {
	const { status, headers } = response;
	const retryAt = retryAfter(headers, Date.now());
	if (status === 429) throw new BrokerError('rate_limited', { retryAt });
	if (status >= 500 && status !== 501) throw new BrokerError('provider_unavailable', { retryAt });
	// RFC 7591 says 201; 200 is seen as well.
	if (status !== 200 && status !== 201) return null;
	const clientId = (await jsonOf(response))?.client_id;
	if (typeof clientId !== 'string' || !clientId) throw new BrokerError('provider_unavailable');
	return { clientId };
}

/**
 * The answer is `processRefreshResponse`'s to judge.
 * @param registration of the device's own client
 */
export function jwtBearerRequest(registration: Registration, key: SigningKey): Promise<Response> {
	const send = async (at: Registration) =>
		oauth.genericTokenEndpointRequest(
			authorizationServer(at),
			oauthClient(at),
			oauth.None(),
			'urn:ietf:params:oauth:grant-type:jwt-bearer',
			{ assertion: await assertionOf(key, at) },
			requestOptions(at),
		);
	// An assertion dated wrong is an invalid grant here (RFC 7523, section 3.1), which must not end a connection.
	return byServerClock(registration, send, ['invalid_client', 'invalid_grant']);
}
