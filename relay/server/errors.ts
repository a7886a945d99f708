/** The one error class of the relay and the one place where a failure becomes an answer. */
import { type Problem, type RelayErrorCode, relayErrors } from '../contract.js';

export class RelayError extends Error {
	override name = 'RelayError';
	constructor(
		readonly code: RelayErrorCode,
		options: {
			cause?: unknown;
			/** Seconds, for `Retry-After` (RFC 9110, section 10.2.3). */
			retryAfter?: number;
		} = {},
	) {
		// The message is the code: nothing of a request or a path can end up in a log or an answer through it.
		super(code, { cause: options.cause });
		this.retryAfter = options.retryAfter;
	}

	readonly retryAfter: number | undefined;
}

/** `title` of the problem details; the words for people are the app's. */
const titles: Record<RelayErrorCode, string> = {
	bad_request: 'The request is not of the shape that the session protocol gives it.',
	assertion_refused: 'This relay does not sign for this client at this token endpoint.',
	session_not_found: 'There is no such session, or the token is not one of its tokens.',
	part_not_found: 'The session has no such part.',
	not_found: 'There is nothing here.',
	request_timeout: 'The request came too slowly; send it again.',
	already_claimed: 'The session was claimed by somebody else.',
	already_exists: 'This exists already with another content.',
	already_sent: 'The session is finished and takes nothing new.',
	not_claimed: 'The session must be claimed first.',
	session_gone: 'The session has ended.',
	length_required: 'Content-Length is required.',
	too_large: 'That is more than the session takes.',
	digest_mismatch: 'The content is not what its Content-Digest says.',
	too_many_requests: 'Too many requests; try again later.',
	internal: 'The relay failed.',
	unavailable: 'The relay cannot do this now.',
};

/**
 * The disk is full, over its quota, read-only or failing, or too many files are open: whoever runs the relay can mend it, and nothing of
 * the program is to blame.
 */
const passing = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

/** When to come again, where nobody knows better. */
const UNAVAILABLE_SECONDS = 10;

/** Whatever was thrown, as an error of the contract. */
export function toRelayError(thrown: unknown): RelayError {
	if (thrown instanceof RelayError) return thrown;
	const code = systemCode(thrown);
	return new RelayError(code && passing.has(code) ? 'unavailable' : 'internal', { cause: thrown });
}

/** Problem details (RFC 9457) with `code` and `correlationId`. */
export function problem({ code, retryAfter }: RelayError, correlationId: string): Response {
	const status = relayErrors[code];
	const body: Problem = { title: titles[code], status, code, correlationId };
	const headers = new Headers({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
	const seconds = retryAfter ?? (code === 'unavailable' ? UNAVAILABLE_SECONDS : undefined);
	if (seconds !== undefined) headers.set('Retry-After', String(seconds));
	return new Response(JSON.stringify(body), { status, headers });
}

/**
 * What a log may know of an unexpected failure: class, system code and stack frames. Messages are left out, because
 * those of the file system hold paths, and with them session ids.
 */
export function describeFailure(thrown: unknown): { error: string; systemCode?: string; stack: string[] } {
	if (!(thrown instanceof Error)) return { error: typeof thrown, stack: [] };
	const stack = (thrown.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
	const code = systemCode(thrown);
	return { error: thrown.name, ...(code && { systemCode: code }), stack: stack.map((line) => line.trim()) };
}

/** The system code behind an error, however many times it was wrapped: `ENOSPC`, or `OFFLINE` of a Redis that is away. */
export function codeBehind(thrown: unknown): string | undefined {
	const code = systemCode(thrown);
	return code ?? (thrown instanceof RelayError && thrown.cause ? codeBehind(thrown.cause) : undefined);
}

/** The code that the system or Redis gave an error. Those of Node itself (`ERR_…`) included; nothing that is no such code. */
export function systemCode(thrown: unknown): string | undefined {
	if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
	return /^[A-Z][A-Z0-9_]*$/.test(thrown.code) ? thrown.code : undefined;
}
