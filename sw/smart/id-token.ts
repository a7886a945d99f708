/** The id_token of a sign-in (OpenID Connect Core, section 3.1.3.7). Nothing in it is used; a wrong one is a sign-in that is wrong. */
import * as oauth from 'oauth4webapi';
import { BrokerError } from '../errors.js';
import { authorizationServer, oauthClient, type Registration, requestOptions } from './client.js';
import { offsetOf, offsetOfHost } from './clock.js';

/** Only what the check needs, so that nothing odd in the rest of an answer can fail it. */
interface Shown {
	access_token: string;
	id_token: string;
}

/**
 * Full validation (S:201, S:218): claims by the library, the signature wherever the keys can be fetched. The time is the server's,
 * because a device's clock that is wrong must not keep anybody out.
 */
export async function checkIdToken(
	registration: Registration,
	body: Shown,
	headers: Headers,
	nonce: string,
): Promise<void> {
	const told = offsetOf(headers, Date.now());
	try {
		await checkIdTokenAt(registration, body, nonce, told ?? 0);
	} catch (error) {
		const offset = told === null ? await offsetOfHost() : 0;
		if (!offset) throw error;
		await checkIdTokenAt(registration, body, nonce, offset);
	}
}

async function checkIdTokenAt(
	registration: Registration,
	body: Shown,
	nonce: string,
	clockOffset: number,
): Promise<void> {
	const server = authorizationServer(registration);
	const client = { ...oauthClient(registration), [oauth.clockSkew]: Math.round(clockOffset / 1000) };
	const response = Response.json({ ...body, token_type: 'bearer' });
	try {
		await oauth.processAuthorizationCodeResponse(server, client, response, {
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
