/** The keys of the test client in `client.ts`, and assertions signed with them, right or wrong. */
import { randomUUID } from 'node:crypto';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import type { JWK } from 'oidc-provider';
import { publicHalf, signingKey } from './clients.js';
import type { SandboxSystem } from './server.js';

/** Signs for every `relay-signed` system that was started with `clientKeys: [publicHalf(relayKey)]`. */
export const relayKey = signingKey('RS384');
export const relayKeys = { clientKeys: [publicHalf(relayKey)] };

export const tokenEndpointOf = (system: SandboxSystem) => system.fhirBaseUrl.replace(/fhir$/, 'oauth/token');

/** Claims that are right at this moment. */
export function claimsOf(clientId: string, audience: string, now = Math.floor(Date.now() / 1000)): JWTPayload {
	const times = { iat: now - 20, nbf: now - 20, exp: now + 240 };
	return { iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), ...times };
}

export async function sign(claims: JWTPayload, key: JWK, alg = String(key.alg)): Promise<string> {
	const { kid = '' } = key;
	return new SignJWT(claims)
		.setProtectedHeader({ alg, typ: 'JWT', kid })
		.sign(await importJWK(key as Parameters<typeof importJWK>[0], alg));
}

export const asParameters = (assertion: string) => ({
	client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
	client_assertion: assertion,
});

/** What a confidential client adds to its requests; nothing for a public one. */
export async function clientAssertion(system: SandboxSystem): Promise<Record<string, string>> {
	const auth = system.clientAuth;
	if (auth?.method !== 'embedded-key' && auth?.method !== 'relay-signed') return {};
	const key = auth.method === 'embedded-key' ? (auth.key as unknown as JWK) : relayKey;
	return asParameters(await sign(claimsOf(system.clientId, tokenEndpointOf(system)), key));
}

/** The claims that are right but for one thing. */
export const wrong: [string, (claims: JWTPayload, endpoint: string) => JWTPayload][] = [
	['another aud', (claims) => ({ ...claims, aud: 'https://elsewhere.example/token' })],
	['the issuer as aud', (claims, endpoint) => ({ ...claims, aud: endpoint.replace('/token', '') })],
	['several aud', (claims, endpoint) => ({ ...claims, aud: [endpoint, 'https://elsewhere.example'] })],
	['no aud', ({ aud: _, ...claims }) => claims],
	['an exp more than five minutes ahead', (claims) => ({ ...claims, exp: (claims.iat ?? 0) + 20 + 310 })],
	['an exp that is over', (claims) => ({ ...claims, exp: (claims.iat ?? 0) + 19 })],
	['no exp', ({ exp: _, ...claims }) => claims],
	['an iat that lies ahead', (claims) => ({ ...claims, iat: (claims.iat ?? 0) + 80 })],
	['an nbf that lies ahead', (claims) => ({ ...claims, nbf: (claims.nbf ?? 0) + 80 })],
	['no jti', ({ jti: _, ...claims }) => claims],
	['a jti of 152 characters', (claims) => ({ ...claims, jti: 'j'.repeat(152) })],
	['another iss', (claims) => ({ ...claims, iss: 'somebody' })],
];
