/** Keys: the sandbox's own, and those of the clients that have to show one. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { JWK } from 'oidc-provider';
import type { ClientAuth } from '../../relay/contract.js';
import type { ClientKeys } from './oauth/assertions.js';
import type { SystemProfile } from './profile.js';

export interface ClientsOptions {
	appOrigins?: string[];
	clientKeys?: JWK[];
	clientJwksUri?: string;
}

export interface Clients {
	/** What the authorization server knows of its client. */
	keysOf(system: string): { clientKeys?: ClientKeys };
	/** What a provider directory says of it. */
	authOf(system: string): { clientAuth?: ClientAuth };
}

type Alg = 'RS256' | 'RS384' | 'ES384';

/** A new private key. */
export function signingKey(alg: Alg = 'RS256'): JWK & { kty: 'RSA' | 'EC'; kid: string } {
	const { privateKey } =
		alg === 'ES384'
			? generateKeyPairSync('ec', { namedCurve: 'P-384' })
			: generateKeyPairSync('rsa', { modulusLength: 2048 });
	const kty = alg === 'ES384' ? 'EC' : 'RSA';
	return { ...(privateKey.export({ format: 'jwk' }) as JWK), kty, use: 'sig', alg, kid: randomUUID() };
}

/** The public half of a key. */
export function publicHalf(key: JWK): JWK {
	const { kty, kid, use, alg, crv, x, y, n, e } = key as Record<string, unknown>;
	const members = Object.entries({ kty, kid, use, alg, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
	return Object.fromEntries(members) as unknown as JWK;
}

export function createClients(
	systems: SystemProfile[],
	origin: string,
	options: ClientsOptions,
	redirectUris: string[],
): Clients {
	const keys = new Map<string, ClientKeys>();
	const auths = new Map<string, ClientAuth>();
	const app = options.appOrigins?.[0] ?? new URL(redirectUris[0] ?? origin).origin;
	const jwksUri = options.clientJwksUri ?? `${app.replace(/\/$/, '')}/.well-known/jwks.json`;
	for (const { id, auth } of systems) {
		const { client } = auth;
		if (client.method === 'embedded-key') {
			const key = signingKey(client.alg);
			keys.set(id, { jwks: { keys: [publicHalf(key)] } });
			auths.set(id, { method: 'embedded-key', key: { ...key } });
		} else if (client.method === 'relay-signed') {
			keys.set(id, options.clientKeys ? { jwks: { keys: options.clientKeys } } : { jwksUri });
			auths.set(id, { method: 'relay-signed', tokenEndpoint: `${origin}/${id}/oauth/token` });
		} else if (client.method === 'device-key') auths.set(id, { method: 'device-key' });
	}
	return {
		keysOf: (system) => {
			const clientKeys = keys.get(system);
			return clientKeys ? { clientKeys } : {};
		},
		authOf: (system) => {
			const clientAuth = auths.get(system);
			return clientAuth ? { clientAuth } : {};
		},
	};
}
