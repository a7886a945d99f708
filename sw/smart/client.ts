/**
 * The shapes that oauth4webapi works with, and how its requests reach the network: through `http`, so that time limits,
 * caps and error codes are the same everywhere.
 */
import * as oauth from 'oauth4webapi';
import type { ClientAuth } from '../../relay/contract.js';
import type { ErrorCode } from '../contract.js';
import { BrokerError } from '../errors.js';
import { type HttpAnswer, http, isLoopback, retryAfter } from '../http.js';
import type { SmartConfiguration } from './discover.js';
import type { VendorAuth } from './vendors.js';

/** One client at one authorization server. */
export interface Registration {
	fhirBaseUrl: string;
	clientId: string;
	config: SmartConfiguration;
	/** Missing in rows of an earlier version: then it is `none`. */
	clientAuth?: ClientAuth | undefined;
	/** The server's clock minus this device's, in milliseconds, for the dates of assertions. */
	clockOffset?: number;
}

export function authorizationServer({ config, fhirBaseUrl }: Registration): oauth.AuthorizationServer {
	return {
		// Real EHRs leave `issuer` out; the library wants one. It is compared only where the server named it.
		issuer: config.issuer ?? fhirBaseUrl,
		authorization_endpoint: config.authorizationEndpoint,
		token_endpoint: config.tokenEndpoint,
		...(config.revocationEndpoint ? { revocation_endpoint: config.revocationEndpoint } : {}),
		...(config.jwksUri ? { jwks_uri: config.jwksUri } : {}),
		// Without a list the library takes RS256 alone; SMART servers sign with any of these and seldom say so.
		id_token_signing_alg_values_supported: config.idTokenAlgorithms.length
			? config.idTokenAlgorithms
			: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512'],
		authorization_response_iss_parameter_supported: config.issInResponse,
	};
}

export function oauthClient({ clientId }: Registration): oauth.Client {
	// Clocks of portals and phones differ by more than the library's strict default.
	return { client_id: clientId, [oauth.clockTolerance]: 300 };
}

/**
 * Options of every request: ours is the network, and loopback may be http.
 * @param timeout milliseconds
 */
export function requestOptions({ config }: Registration, timeout?: number) {
	return {
		[oauth.allowInsecureRequests]: isLoopback(new URL(config.tokenEndpoint)),
		[oauth.customFetch]: async (
			url: string,
			init: { method: string; headers: Record<string, string>; body?: BodyInit | null | undefined },
		) => {
			const answer = await http(url, {
				method: init.method,
				headers: init.headers,
				...(init.body ? { body: init.body } : {}),
				maxBytes: 1024 * 1024,
				...(timeout ? { timeout } : {}),
			});
			return toResponse(answer);
		},
	};
}

function toResponse(answer: HttpAnswer): Response {
	const body = [204, 205, 304].includes(answer.status) ? null : answer.bytes;
	return new Response(body, { status: answer.status, headers: answer.headers });
}

/**
 * The members of an answer's JSON, none where that is no object; undefined where it is not JSON. The answer itself stays unread:
 * others judge it too.
 */
export function jsonOf(response: Response): Promise<Record<string, unknown> | undefined> {
	return response
		.clone()
		.json()
		.then(Object, () => undefined);
}

/**
 * What an answer of a token endpoint that is not a success means.
 * @param error its `error` member (RFC 6749, section 5.2), if it had one
 */
export function tokenEndpointError(
	response: Response,
	error: string | undefined,
	{ errorsAs500 = false }: VendorAuth = {},
): BrokerError {
	const retryAt = retryAfter(response.headers, Date.now());
	if (response.status === 429) return new BrokerError('rate_limited', { retryAt });
	const outage = response.status >= 500 && !(errorsAs500 && response.status === 500 && error);
	if (outage) return new BrokerError('provider_unavailable', { retryAt });
	if (error === 'invalid_grant') return new BrokerError('reauthorization_required');
	// Not JSON, or an error nobody knows: something is between us and the server. Never "expired".
	const unknown = error ? 'provider_error' : 'provider_unavailable';
	return new BrokerError(ERRORS.get(error) ?? unknown, { retryAt });
}

/** What `error` means at either endpoint (RFC 6749, sections 4.1.2.1 and 5.2); what is not here means something at one only. */
export const ERRORS = new Map<string | undefined, ErrorCode>([
	['access_denied', 'access_denied'],
	['temporarily_unavailable', 'provider_unavailable'],
	['server_error', 'provider_unavailable'],
	['invalid_client', 'client_rejected'],
	['unauthorized_client', 'client_rejected'],
	['invalid_scope', 'client_rejected'],
	['invalid_request', 'client_rejected'],
	['unsupported_grant_type', 'client_rejected'],
]);
