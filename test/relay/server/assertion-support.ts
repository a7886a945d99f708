/** A relay that signs, and what a wallet and a token endpoint do with it. */
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { expect } from 'vitest';
import { type Assertion, type Provider, routes } from '../../../relay/contract.js';
import { assertionKeys } from '../../../relay/server/keys/assertion-keys.js';
import { makeEcKey, makeRsaKey } from '../../../relay/server/keys/keygen/make.js';
import { ORIGIN, type Setup, setUp } from './support.js';

export const CLIENT = 'client-0f0d';
export const ENDPOINT = 'https://fhir.lakeside.example/oauth2/token';
export const entry = { id: 'a', name: 'A', fhirBaseUrl: 'https://fhir.lakeside.example/r4', clientId: CLIENT };
export const signed: Provider = { ...entry, clientAuth: { method: 'relay-signed', tokenEndpoint: ENDPOINT } };
export const own = { Origin: ORIGIN };

export const [rsa, ec] = await Promise.all([makeRsaKey(2048), makeEcKey()]);

export const ready = (given: Parameters<typeof setUp>[0] = {}) =>
	setUp({ providers: [signed], assertionKeys: assertionKeys({ keys: [rsa, ec] }), ...given });

export function ask(
	{ call }: Pick<Setup, 'call'>,
	more: { json?: unknown; headers?: HeadersInit; address?: string } = {},
) {
	return call('POST', routes.assertions, {
		json: { clientId: CLIENT, tokenEndpoint: ENDPOINT },
		headers: own,
		...more,
	});
}

export async function assertionOf(answer: Response): Promise<string> {
	expect(answer.status).toBe(200);
	return ((await answer.json()) as Assertion).assertion;
}

/** As a token endpoint does it: with the keys that the relay serves, at the time of the relay. */
export async function verify({ call, clock }: Setup, assertion: string): Promise<JWTPayload> {
	const served = createLocalJWKSet(await (await call('GET', routes.jwks)).json());
	const { payload } = await jwtVerify(assertion, served, {
		typ: 'JWT',
		audience: ENDPOINT,
		issuer: CLIENT,
		subject: CLIENT,
		currentDate: new Date(clock.now()),
		requiredClaims: ['exp', 'iat', 'nbf', 'jti'],
	});
	return payload;
}
