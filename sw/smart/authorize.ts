/** The authorization request and response (RFC 6749, section 4.1; RFC 7636; RFC 9207; SMART App Launch 2.2). */
import * as oauth from 'oauth4webapi';
import { BrokerError } from '../errors.js';
import { checkedUrl } from '../http.js';
import { authorizationServer, ERRORS, oauthClient, type Registration } from './client.js';
import type { SmartConfiguration } from './discover.js';
import type { VendorAuth } from './vendors.js';

/** What must be remembered between request and response. Single use; never leaves the worker. */
export interface PendingAuthorization {
	state: string;
	codeVerifier: string;
	nonce: string;
	redirectUri: string;
}

/**
 * Anybody can write somebody else's issuer into their own smart-configuration, send a person on to that server, and be handed
 * the code (mix-up, RFC 9700, section 4.4). So an issuer must be of the token endpoint's origin, unless the directory, which
 * is trusted, names a vendor that is known to differ.
 * @throws {BrokerError} `issuer_mismatch`
 */
export function checkIssuer({ issuer, tokenEndpoint }: SmartConfiguration, { issuerElsewhere }: VendorAuth): void {
	if (issuer !== null && !issuerElsewhere && !isSameOrigin(issuer, tokenEndpoint))
		throw new BrokerError('issuer_mismatch');
}

function isSameOrigin(one: string, other: string): boolean {
	return URL.canParse(one) && new URL(one).origin === new URL(other).origin;
}

/** The URL to send the person to, and what to remember. */
export async function authorizeRequest(
	registration: Registration,
	request: { redirectUri: string; scope: string },
): Promise<{ url: string; pending: PendingAuthorization }> {
	const pending = {
		state: oauth.generateRandomState(),
		codeVerifier: oauth.generateRandomCodeVerifier(),
		nonce: oauth.generateRandomNonce(),
		redirectUri: request.redirectUri,
	};
	const url = checkedUrl(registration.config.authorizationEndpoint);
	const parameters = {
		response_type: 'code',
		client_id: registration.clientId,
		redirect_uri: request.redirectUri,
		scope: request.scope,
		state: pending.state,
		// SMART's name for the resource that is asked for (S:41).
		aud: registration.fhirBaseUrl,
		nonce: pending.nonce,
		code_challenge: await oauth.calculatePKCECodeChallenge(pending.codeVerifier),
		code_challenge_method: 'S256',
	};
	for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
	return { url: url.href, pending };
}

/**
 * Checks the authorization response and answers its parameters for `authorizationCodeRequest`.
 * @throws {BrokerError} `state_unknown`, `issuer_mismatch`, `access_denied`, `client_rejected`, `provider_unavailable`,
 * `authorize_failed`
 */
export function processAuthorizeResponse(
	parameters: URLSearchParams,
	pending: PendingAuthorization,
	registration: Registration,
): URLSearchParams {
	const iss = parameters.get('iss');
	const { issuer, issInResponse } = registration.config;
	if (issInResponse && iss === null) throw new BrokerError('issuer_mismatch');
	// Exact comparison (RFC 9207, section 2.4). A server that never named itself can at least not speak for another origin.
	const expected = issuer ?? (iss !== null && isSameOrigin(iss, registration.config.tokenEndpoint) ? iss : null);
	if (iss !== null && iss !== expected) throw new BrokerError('issuer_mismatch');
	const comparable = new URLSearchParams(parameters);
	if (issuer === null) comparable.delete('iss');
	try {
		const checked = oauth.validateAuthResponse(
			{ ...authorizationServer(registration), authorization_response_iss_parameter_supported: false },
			oauthClient(registration),
			comparable,
			pending.state,
		);
		// No code, or several to choose from: RFC 6749, section 3.1, allows a parameter once.
		if (checked.getAll('code').length !== 1) throw new BrokerError('authorize_failed');
		return checked;
	} catch (error) {
		if (error instanceof BrokerError) throw error;
		if (!(error instanceof oauth.AuthorizationResponseError)) {
			throw new BrokerError(parameters.get('state') === pending.state ? 'authorize_failed' : 'state_unknown');
		}
		throw new BrokerError(ERRORS.get(error.error) ?? 'authorize_failed');
	}
}
