/** The keys that this relay signs client assertions with: read, checked, and the one whose turn it is. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { JWK } from 'jose';
import * as v from 'valibot';
import { ConfigError, readJsonFile } from '../config/config-error.js';
import { type PrivateKey, readPrivateKey, sameKey } from './private-key.js';
import { rsaFirst } from './public-keys.js';

export interface AssertionKey extends PrivateKey {
	/** Seconds since the epoch before which it is published and not yet used (`nbf`, OpenID Federation 1.0). */
	notBefore: number;
}

const KeySet = v.looseObject({ keys: v.pipe(v.array(v.unknown()), v.minLength(1)) });
const NotBefore = v.looseObject({ nbf: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0) });

/**
 * The keys of a private JWK set.
 * @throws {ConfigError} `assertion_keys_invalid`, one line for each mistake, after `name` and the place in the set
 */
export function assertionKeys(set: unknown, name = 'assertion keys'): AssertionKey[] {
	const fail = (problems: string[]) => new ConfigError('assertion_keys_invalid', problems);
	if (!v.is(KeySet, set)) throw fail([`${name}: is not a JWK set with a key in it`]);
	const keys: AssertionKey[] = [];
	const problems: string[] = [];
	for (const [at, jwk] of set.keys.entries()) {
		const where = `${name}: keys.${at}`;
		const key = readPrivateKey(jwk);
		if (typeof key === 'string') {
			problems.push(`${where} ${key}`);
			continue;
		}
		const timed = v.safeParse(NotBefore, jwk);
		if (!timed.success) problems.push(`${where} has an nbf that is not a time in seconds`);
		else if (keys.some(({ kid }) => kid === key.kid)) problems.push(`${where} has a kid that occurs twice`);
		else keys.push({ ...key, notBefore: timed.output.nbf });
	}
	if (problems.length) throw fail(problems);
	return keys;
}

/** The keys of the file that ASSERTION_KEYS names. @throws {ConfigError} `assertion_keys_invalid` */
export function readAssertionKeys(path: string): AssertionKey[] {
	return assertionKeys(readJsonFile('ASSERTION_KEYS', path, 'assertion_keys_invalid'), path);
}

/**
 * Whether others than its owner can read a file. Windows has other means, and always says no; so has systemd, in whose folder of
 * `credentials` the mode is that of an access list.
 */
export function readableByOthers(path: string, credentials?: string): boolean {
	if (process.platform === 'win32' || (credentials && dirname(resolve(path)) === resolve(credentials))) return false;
	return (statSync(path).mode & 0o077) !== 0;
}

/**
 * The key to sign with: RSA where there is one, since every vendor takes it, and of its kind the one that came into use
 * last. Undefined where there is none at that time (seconds).
 */
export function signingKey(keys: readonly AssertionKey[], now: number): AssertionKey | undefined {
	const inUse = keys.filter(({ notBefore }) => notBefore <= now);
	const kind = inUse.some(({ alg }) => alg === 'RS384') ? 'RS384' : 'ES384';
	return inUse
		.filter(({ alg }) => alg === kind)
		.reduce<AssertionKey | undefined>((last, key) => (last && last.notBefore >= key.notBefore ? last : key), undefined);
}

/**
 * What is published: the public halves of the assertion keys and the keys of JWKS, each once.
 * @throws {ConfigError} `jwks_invalid` where two different keys have one kid: a server could not tell them apart
 */
export function publishedKeys(keys: readonly AssertionKey[], others: readonly JWK[]): JWK[] {
	const published = keys.map(({ publicJwk }) => publicJwk);
	const problems: string[] = [];
	for (const key of others) {
		const namesake = published.find(({ kid }) => kid !== undefined && kid === key.kid);
		if (!namesake) published.push(key);
		else if (!sameKey(namesake, key)) problems.push(`JWKS: two different keys have the kid ${key.kid}`);
	}
	if (problems.length) throw new ConfigError('jwks_invalid', problems);
	return rsaFirst(published);
}
