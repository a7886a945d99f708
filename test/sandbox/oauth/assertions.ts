/**
 * Client authentication with signed assertions (RFC 7523; SMART App Launch 2.2, "Client Authentication: Asymmetric"),
 * as strict as the strictest vendor: what is taken here is taken everywhere.
 */
import type { ClientMetadata, JWK } from 'oidc-provider';
import type { SystemProfile } from '../profile.js';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** How far ahead an assertion may end, in seconds. */
const MAX_SECONDS = 300;
/** Epic's bound. */
const MAX_JTI = 151;

/** Where the public keys of a confidential client are. */
export type ClientKeys = { jwks: { keys: JWK[] } } | { jwksUri: string };

export interface Expected {
	clientId: string;
	/** The token endpoint, and at another endpoint that one too. */
	audiences: string[];
	/** The server's clock, in seconds. */
	now: number;
}

/** What is wrong with an assertion's claims; null: nothing. Its signature and the reuse of `jti` are somebody else's matter. */
export function claimsProblem(claims: Record<string, unknown>, expected: Expected): string | null {
	const { iss, sub, aud, exp, iat, nbf, jti } = claims;
	const { clientId, audiences, now } = expected;
	if (iss !== clientId || sub !== clientId) return 'iss and sub must be the client_id';
	if (typeof aud !== 'string' || !audiences.includes(aud)) return 'aud must be the token endpoint';
	if (typeof exp !== 'number' || exp <= now) return 'exp is missing or over';
	if (exp > now + MAX_SECONDS) return 'exp is more than five minutes ahead';
	for (const start of [iat, nbf]) {
		if (start !== undefined && (typeof start !== 'number' || start > now)) return 'iat or nbf lies ahead';
	}
	if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) return 'jti is missing or too long';
	return null;
}

/** The client that everybody uses at this system. */
export function clientMetadata(profile: SystemProfile, redirectUris: string[], keys?: ClientKeys): ClientMetadata {
	const { client, refresh } = profile.auth;
	const confidential = client.method === 'embedded-key' || client.method === 'relay-signed';
	if (confidential && !keys) throw new Error(`${profile.id} needs its client's keys`);
	return {
		client_id: `satchel-${profile.id}`,
		redirect_uris: redirectUris,
		grant_types: refresh === 'none' ? ['authorization_code'] : ['authorization_code', 'refresh_token'],
		response_types: ['code'],
		token_endpoint_auth_method: confidential ? 'private_key_jwt' : 'none',
		...(confidential ? { token_endpoint_auth_signing_alg: client.alg } : {}),
		...(confidential && keys && 'jwks' in keys ? { jwks: keys.jwks } : {}),
		...(confidential && keys && 'jwksUri' in keys ? { jwks_uri: keys.jwksUri } : {}),
	};
}
