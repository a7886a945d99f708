/** What can go wrong with Redis, as codes: its messages hold keys, and with them session ids. */
import {
	ClientClosedError,
	ClientOfflineError,
	ConnectionTimeoutError,
	DisconnectsClientError,
	ErrorReply,
	SocketClosedUnexpectedlyError,
	SocketTimeoutError,
} from 'redis';
import { RelayError, systemCode } from '../../errors.js';

/** Stands in for an error of the client or the server. Its code is the server's own (`OOM`), the system's, or one of these. */
export class RedisFailure extends Error {
	override name = 'RedisFailure';
	constructor(
		/** `SILENT`: no answer in time. `OFFLINE`: no connection now. `UNKNOWN`: a mistake of this program. */
		readonly code: string,
	) {
		super(code);
	}
}

/** Seconds after which it is worth trying again. */
const RETRY_AFTER = 2;

const offline = [ClientClosedError, ClientOfflineError, DisconnectsClientError, SocketClosedUnexpectedlyError];

export function failureCode(thrown: unknown): string {
	if (thrown instanceof RedisFailure) return thrown.code;
	// The first word of an error reply is its code (RESP, "Simple errors").
	if (thrown instanceof ErrorReply) return /^[A-Z]+(?= |$)/.exec(thrown.message)?.[0] ?? 'ERR';
	if (offline.some((one) => thrown instanceof one)) return 'OFFLINE';
	if (thrown instanceof ConnectionTimeoutError || thrown instanceof SocketTimeoutError) return 'SILENT';
	return systemCode(thrown) ?? 'UNKNOWN';
}

/** Answers that only a mistake of this program can get. */
const mistakes = new Set(['ERR', 'WRONGTYPE', 'CROSSSLOT', 'NOSCRIPT', 'UNKNOWN']);

/** Refusals that no waiting mends: somebody has to change the URL, or the rights of its user. */
export const lasting = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM', 'ERR']);

/** Everything else passes: Redis is away, loading, full, a replica, or its disk is. */
export function refusal(code: string): RelayError {
	const cause = new RedisFailure(code);
	if (mistakes.has(code)) return new RelayError('internal', { cause });
	return new RelayError('unavailable', { cause, retryAfter: RETRY_AFTER });
}
