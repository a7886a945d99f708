/** The wallet's calls to the relay: each step as `xRequest()` and `processX()`, and `relay()` that carries one to the other. */
import * as v from 'valibot';
import { Problem, routes, SessionInfo } from '../../relay/contract.js';
import type { ErrorCode } from '../contract.js';
import { BrokerError } from '../errors.js';
import { bodyJson, type HttpAnswer, type HttpOptions, http, retryAfter } from '../http.js';

/** A request to the relay, below its origin. */
export type RelayRequest = [path: string, options: HttpOptions];

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

export function sessionRequest(sid: string, token: string): RelayRequest {
	return [routes.session(sid), { headers: bearer(token) }];
}

/** @throws {BrokerError} `session_not_found`, `session_gone`, `relay_error`, `relay_unavailable` */
export function processSession(answer: HttpAnswer): Omit<SessionInfo, 'expiresAt'> & { expiresAt: number } {
	check(answer);
	const parsed = v.safeParse(SessionInfo, bodyJson(answer));
	if (!parsed.success) throw new BrokerError('relay_error', { cause: parsed.issues });
	const { expiresAt, ...info } = parsed.output;
	return { ...info, expiresAt: byOurClock(Date.parse(expiresAt), answer.headers) };
}

/** A moment of the relay's, by the clock of this device, which may be hours off. */
function byOurClock(at: number, headers: Headers): number {
	const offset = Date.parse(headers.get('Date') ?? '') - Date.now();
	return Math.abs(offset) > CLOCK_SLACK_MS ? at - offset : at;
}

/** The header has whole seconds, and was on its way for a while. */
const CLOCK_SLACK_MS = 30_000;

export function claimRequest(sid: string, write: string, ownerHash: string): RelayRequest {
	const headers = { ...bearer(write), 'Content-Type': 'application/json' };
	return [routes.claim(sid), { method: 'POST', headers, body: JSON.stringify({ ownerHash }) }];
}

/** @param digest SHA-256 of the part, base64url */
export function partRequest(
	position: { sid: string; bid: string; n: number },
	owner: string,
	part: Uint8Array<ArrayBuffer>,
	digest: string,
): RelayRequest {
	const headers = {
		...bearer(owner),
		'Content-Type': 'application/octet-stream',
		// RFC 9530 wants a structured-field byte sequence: base64 with padding.
		'Content-Digest': `sha-256=:${digest.replace(/-/g, '+').replace(/_/g, '/')}=:`,
	};
	const { sid, bid, n } = position;
	// A phone on a weak network still gets some 50 kB/s through before this ends.
	return [routes.part(sid, bid, n), { method: 'PUT', headers, body: part, timeout: 120_000 }];
}

export function manifestRequest(sid: string, owner: string, jwe: string): RelayRequest {
	const headers = { ...bearer(owner), 'Content-Type': 'application/jose' };
	return [routes.manifest(sid), { method: 'PUT', headers, body: jwe, timeout: 60_000 }];
}

/**
 * The relay's yes to a claim, a part or the manifest: 200 for what it had already is as good as 201.
 * @throws {BrokerError} `already_claimed` (somebody else holds the link), `already_sent`, `too_large`, and those of
 * `processSession`
 */
export function processAcknowledgement(answer: HttpAnswer): void {
	check(answer);
}

/** Carries a request to the relay, which is the host of the app. */
export async function relay<T>([path, options]: RelayRequest, process: (answer: HttpAnswer) => T): Promise<T> {
	const url = new URL(path, self.location.origin).href;
	return process(await http(url, { ...options, redirected: 'relay_error' }).catch(notReached));
}

/** A relay that is down is not a provider that is down. */
function notReached(error: unknown): never {
	const code = error instanceof BrokerError && UNREACHED.has(error.code) ? 'relay_unavailable' : undefined;
	throw code ? new BrokerError(code, { cause: error }) : error;
}

const UNREACHED = new Set<ErrorCode>(['network', 'cors', 'timeout']);

/** The relay's codes that mean something of their own to the person. */
const CODES: Record<string, ErrorCode> = {
	session_not_found: 'session_not_found',
	session_gone: 'session_gone',
	already_claimed: 'already_claimed',
	already_sent: 'already_sent',
	too_large: 'too_large',
	request_timeout: 'relay_unavailable',
	too_many_requests: 'relay_unavailable',
	unavailable: 'relay_unavailable',
};

function check(answer: HttpAnswer): void {
	if (answer.status >= 200 && answer.status < 300) return;
	const problem = v.safeParse(Problem, bodyJson(answer));
	const known = problem.success ? CODES[problem.output.code] : undefined;
	const fallback = answer.status >= 500 ? 'relay_unavailable' : 'relay_error';
	throw new BrokerError(known ?? fallback, {
		correlationId: problem.success ? problem.output.correlationId : undefined,
		retryAt: retryAfter(answer.headers, Date.now()),
	});
}
