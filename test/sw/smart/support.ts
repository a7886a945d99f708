/** What the tests of the SMART client share: answers, a registration, and the vendors' own documents. */
import { existsSync } from 'node:fs';
import type { HttpAnswer } from '../../../sw/http.js';
import type { Registration } from '../../../sw/smart/client.js';

export const VENDORS = new URL('../../../../shared/data/vendors/', import.meta.url);
if (!existsSync(VENDORS))
	console.log('NOTE: ../shared/data/vendors is not here; the vendors’ documents are not tested.');

/** An answer as `http` gives it. */
export function answer(body: unknown, status = 200, headers: HeadersInit = {}): HttpAnswer {
	const bytes =
		body instanceof Uint8Array
			? Uint8Array.from(body)
			: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
	return { status, headers: new Headers(headers), url: 'https://fhir.test/', bytes };
}

export const BASE = 'https://fhir.test/r4';
export const ISSUER = 'https://auth.test';
export const CLIENT_ID = 'satchel-client';

export function registration(config: Partial<Registration['config']> = {}): Registration {
	return {
		fhirBaseUrl: BASE,
		clientId: CLIENT_ID,
		config: {
			issuer: ISSUER,
			authorizationEndpoint: 'https://auth.test/authorize?tenant=7',
			tokenEndpoint: 'https://auth.test/token',
			revocationEndpoint: 'https://auth.test/revoke',
			introspectionEndpoint: 'https://auth.test/introspect',
			jwksUri: 'https://auth.test/jwks',
			scopesSupported: [],
			capabilities: [],
			issInResponse: false,
			idTokenAlgorithms: [],
			...config,
		},
	};
}

/** An error and everything reachable from it, as text: to prove what it does not hold. */
export function everythingIn(error: unknown, seen = new Set<unknown>()): string {
	if (typeof error !== 'object' || error === null) return String(error);
	if (seen.has(error)) return '';
	seen.add(error);
	const own = Object.getOwnPropertyNames(error).map((name) => {
		const value: unknown = Reflect.get(error, name);
		return `${name}: ${everythingIn(value, seen)}`;
	});
	return own.join('\n');
}
