/** The published side of the relay's keys. */
import type { JWK } from 'jose';
import * as v from 'valibot';

/** Only what is listed here is published (RFC 7518, section 6; RFC 8037), so a private member cannot slip through. */
const common = {
	kid: v.optional(v.string()),
	use: v.optional(v.string()),
	alg: v.optional(v.string()),
};
const PublicKey = v.variant('kty', [
	v.object({ kty: v.literal('RSA'), n: v.string(), e: v.string(), ...common }),
	v.object({ kty: v.literal('EC'), crv: v.string(), x: v.string(), y: v.string(), ...common }),
	v.object({ kty: v.literal('OKP'), crv: v.string(), x: v.string(), ...common }),
]);
const KeySet = v.object({ keys: v.array(PublicKey) });

/** Some EHRs take the first key of a set and refuse any other kind than RSA. */
export function rsaFirst<T extends { kty?: string }>(keys: readonly T[]): T[] {
	return [...keys.filter(({ kty }) => kty === 'RSA'), ...keys.filter(({ kty }) => kty !== 'RSA')];
}

/** The public members of a JWK set, RSA keys first. Null unless it is a set of RSA, EC or OKP keys. */
export function publicKeys(set: unknown): JWK[] | null {
	const parsed = v.safeParse(KeySet, set);
	return parsed.success ? rsaFirst(parsed.output.keys) : null;
}
