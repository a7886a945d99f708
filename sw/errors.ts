/** The one error of the worker. `code` is for programs, `cause` for whoever debugs; neither is a sentence for people. */
import type { ErrorCode, WireError } from './contract.js';

export class BrokerError extends Error {
	override name = 'BrokerError';
	/** Names this failure in logs and on the screen. */
	readonly correlationId: string;
	/** When the server said that trying again makes sense, in milliseconds since the epoch. */
	readonly retryAt: number | undefined;

	constructor(
		readonly code: ErrorCode,
		options: { cause?: unknown; retryAt?: number | undefined; correlationId?: string | undefined } = {},
	) {
		super(code, { cause: options.cause });
		this.correlationId = options.correlationId ?? crypto.randomUUID();
		this.retryAt = options.retryAt;
	}
}

/** Any error as a BrokerError: what the platform throws gets the code it means here, everything else is `internal`. */
export function asBrokerError(error: unknown): BrokerError {
	if (error instanceof BrokerError) return error;
	const name = error instanceof Error || error instanceof DOMException ? error.name : '';
	// The signal of a lock or a request that nobody classified: somebody else took too long.
	if (name === 'TimeoutError') return new BrokerError('timeout', { cause: error });
	if (name === 'QuotaExceededError') return new BrokerError('storage_full', { cause: error });
	if (STORAGE_ERRORS.has(name)) return new BrokerError('storage_failed', { cause: error });
	return new BrokerError('internal', { cause: error });
}

/** What IndexedDB throws when a store cannot be opened, read or written. */
const STORAGE_ERRORS = new Set([
	'AbortError',
	'ConstraintError',
	'DataError',
	'InvalidStateError',
	'NotFoundError',
	'TransactionInactiveError',
	'UnknownError',
	'VersionError',
]);

/** The error as it may cross to the page. */
export function toWire(error: unknown): WireError {
	const { code, correlationId, retryAt } = asBrokerError(error);
	return { code, correlationId, ...(retryAt === undefined ? {} : { retryAt }) };
}

/** Failures that pass by themselves: they never change a connection's status, and a job waits for their end. */
export function isTransient(code: ErrorCode): boolean {
	return TRANSIENT.has(code);
}

const TRANSIENT = new Set<ErrorCode>([
	'offline',
	'network',
	'timeout',
	'cors',
	'rate_limited',
	'provider_unavailable',
	'relay_unavailable',
	'locked',
]);
