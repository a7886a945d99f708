/** New keys as JWK (RFC 7517), named by their thumbprint (RFC 7638). */
import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { readPrivateKey } from '../private-key.js';

export type RsaBits = 2048 | 3072;

/** RSA for RS384. */
export function makeRsaKey(bits: RsaBits): Promise<JWK> {
	return named(
		generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' }) as JWK,
		'RS384',
	);
}

/** P-384 for ES384. */
export function makeEcKey(): Promise<JWK> {
	return named(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }) as JWK, 'ES384');
}

async function named(jwk: JWK, alg: string): Promise<JWK> {
	return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg };
}

/** The public halves, in the same order. @throws {TypeError} for what is no private key of ours */
export function publicHalves(keys: readonly JWK[]): JWK[] {
	return keys.map((jwk) => {
		const key = readPrivateKey(jwk);
		if (typeof key === 'string') throw new TypeError(`the key ${key}`);
		return key.publicJwk;
	});
}
