/** What scripts answer, checked and in the store's words. */
import * as v from 'valibot';
import { Digest, Id, PartNumber, type RelayErrorCode, relayErrors } from '../../../contract.js';
import { RelayError } from '../../errors.js';
import { inOrder } from '../parts.js';
import { type PartInfo, type PartPosition, type Session, stateOf, type TokenHashes } from '../store.js';

const number = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number));
const json = v.pipe(v.string(), v.parseJson(), v.nullable(v.string()));

const Hashes = v.pipe(
	v.tuple([Digest, Digest, v.nullable(Digest)]),
	v.transform(([readHash, writeHash, ownerHash]): TokenHashes => ({ readHash, writeHash, ownerHash })),
);

/** `view` of the scripts. */
const View = v.pipe(
	v.tuple([v.string(), Hashes, v.tuple([number, number, number, json, Digest, number, number]), v.picklist([0, 1])]),
	v.transform(([, hashes, record, sent]): Session => {
		const [expiresAt, maxBytes, partBytes, request, fingerprint, parts, bytes] = record;
		const state = stateOf(hashes.ownerHash, sent === 1);
		return { ...hashes, expiresAt, maxBytes, partBytes, request, fingerprint, parts, bytes, state };
	}),
);

const Position = v.pipe(
	v.string(),
	v.transform((text) => text.split('.')),
	v.tuple([Id, v.pipe(number, PartNumber)]),
	v.transform(([bid, n]): PartPosition => ({ bid, n })),
);

const Content = v.pipe(
	v.string(),
	v.transform((text) => text.split('.')),
	v.tuple([number, Digest]),
	v.transform(([bytes, digest]) => ({ bytes, digest })),
);

/** The word a reply begins with. @throws {RelayError} where that is a code */
export function outcome(reply: unknown): string {
	const [word] = v.parse(v.looseTuple([v.string()]), reply);
	if (!Object.hasOwn(relayErrors, word)) return word;
	const code = word as RelayErrorCode;
	const passes = code === 'too_many_requests' || code === 'unavailable';
	throw new RelayError(code, passes ? { retryAfter: 1 } : {});
}

export const session = (reply: unknown): Session => v.parse(View, reply);
export const hashes = (reply: unknown): TokenHashes => v.parse(v.tuple([v.string(), Hashes]), reply)[1];
export const text = (reply: unknown): string | null => v.parse(v.tuple([v.string(), v.nullable(v.string())]), reply)[1];

export function part(reply: unknown, position: PartPosition): PartInfo {
	return { ...position, ...v.parse(v.tuple([v.string(), Content]), reply)[1] };
}

/** In order of `bid` and `n`. */
export function parts(reply: unknown): PartInfo[] {
	const [, flat] = v.parse(v.tuple([v.string(), v.array(v.string())]), reply);
	const listed: PartInfo[] = [];
	for (let at = 0; at < flat.length; at += 2) {
		listed.push({ ...v.parse(Position, flat[at]), ...v.parse(Content, flat[at + 1]) });
	}
	return inOrder(listed);
}
