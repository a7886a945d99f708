/** Bearer tokens: the relay knows only their SHA-256, and compares in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { Id, Key } from '../contract.js';
import { RelayError } from './errors.js';
import type { Session, Store, TokenHashes } from './store/store.js';

/** Who holds which token of a session. */
export type Role = 'read' | 'write' | 'owner';

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function equal(a: string, b: string): boolean {
	const [one, two] = [Buffer.from(a), Buffer.from(b)];
	return one.length === two.length && timingSafeEqual(one, two);
}

/**
 * The session `sid`, for a request that carries one of its tokens in one of the `allowed` roles.
 * @throws {RelayError} `session_not_found` for an unknown session and a wrong token alike; `session_gone` for whoever
 * holds a token of a session that has ended; `not_claimed` for whoever holds one of a session that has no owner yet,
 * where only the owner is allowed.
 */
export async function authorize(store: Store, request: Request, sid: string, allowed: Role[]): Promise<Session> {
	const hash = bearerHash(request);
	const found = v.is(Id, sid) && hash ? await store.find(sid) : null;
	if (!found || !hash) throw new RelayError('session_not_found');
	const roles = rolesOf(hash, found.kind === 'live' ? found.session : found.hashes);
	if (roles.size === 0) throw new RelayError('session_not_found');
	if (found.kind === 'gone') throw new RelayError('session_gone');
	if (allowed.some((role) => roles.has(role))) return found.session;
	const waitsForOwner = !found.session.ownerHash && allowed.every((role) => role === 'owner');
	throw new RelayError(waitsForOwner ? 'not_claimed' : 'session_not_found');
}

/** SHA-256 of the token's octets, base64url; null without a well-formed token (RFC 6750, section 2.1). */
function bearerHash(request: Request): string | null {
	const token = /^Bearer ([\w-]+)$/i.exec(request.headers.get('Authorization') ?? '')?.[1];
	if (!v.is(Key, token)) return null;
	return createHash('sha256').update(Buffer.from(token, 'base64url')).digest('base64url');
}

function rolesOf(hash: string, { readHash, writeHash, ownerHash }: TokenHashes): Set<Role> {
	const roles = new Set<Role>();
	if (equal(hash, readHash)) roles.add('read');
	if (equal(hash, writeHash)) roles.add('write');
	if (ownerHash && equal(hash, ownerHash)) roles.add('owner');
	return roles;
}
