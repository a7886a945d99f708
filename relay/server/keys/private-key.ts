/** Private keys that sign client assertions, wherever they are configured: one check, in plain words. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { JWK } from 'jose';
import * as v from 'valibot';

/** The two algorithms that SMART App Launch 2.2 lets a client choose from ("Client Authentication: Asymmetric"). */
type AssertionAlgorithm = 'RS384' | 'ES384';

export interface PrivateKey {
	kid: string;
	alg: AssertionAlgorithm;
	/** Shows nothing of itself when it is printed or written as JSON. */
	key: KeyObject;
	/** What is published of it (RFC 7517). */
	publicJwk: JWK;
}

const KeyMembers = v.looseObject({
	kty: v.optional(v.string()),
	crv: v.optional(v.string()),
	kid: v.optional(v.string()),
	alg: v.optional(v.string()),
	d: v.optional(v.string()),
});

/** The key of a private JWK, or what is wrong with it: to be read after its place, never with a value of it. */
export function readPrivateKey(jwk: unknown): PrivateKey | string {
	const parsed = v.safeParse(KeyMembers, jwk);
	if (!parsed.success) return 'is not a JWK';
	const { kty, crv, kid, alg, d } = parsed.output;
	if (kty !== 'RSA' && kty !== 'EC') return 'is neither an RSA nor an EC key';
	if (kty === 'EC' && crv !== 'P-384') return 'is on another curve than P-384, the one of ES384';
	if (!kid) return 'has no kid';
	if (kid.length > 200) return 'has a kid longer than 200 characters';
	const fit = kty === 'RSA' ? 'RS384' : 'ES384';
	if (alg !== undefined && alg !== fit) return `has another alg than ${fit}`;
	if (!d) return 'has no private part';
	let key: KeyObject;
	try {
		key = createPrivateKey({ format: 'jwk', key: parsed.output });
	} catch {
		return 'cannot be read as a key';
	}
	if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) return 'is shorter than 2048 bits';
	if (!fits(key)) return 'does not belong to its own public part';
	const publicJwk = { ...createPublicKey(key).export({ format: 'jwk' }), kid, use: 'sig', alg: fit } as JWK;
	return { kid, alg: fit, key, publicJwk };
}

/** Node takes a JWK whose parts come from two keys, and every server would then refuse what it signs. */
function fits(key: KeyObject): boolean {
	const probe = Buffer.from('satchel');
	try {
		return verify('sha384', probe, createPublicKey(key), sign('sha384', probe, key));
	} catch {
		return false;
	}
}

/** Whether both are the same key, whatever they are called. */
export function sameKey(one: JWK, other: JWK): boolean {
	if (one.kty !== other.kty) return false;
	return one.kty === 'RSA' ? one.n === other.n : one.crv === other.crv && one.x === other.x;
}
