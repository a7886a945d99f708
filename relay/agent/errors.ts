/** Every way the agent's side of a session can end, and what follows from it. */
export type AgentErrorCode =
	/** The command line is not understood. */
	| 'usage'
	/** The relay's URL is neither https nor loopback http, or is more than an origin. */
	| 'relay_url_invalid'
	/** who, why or wants is missing, too long, or not a list of resource types. */
	| 'request_invalid'
	/** No answer: network, DNS, TLS, time-out. */
	| 'relay_unreachable'
	/** 5xx. */
	| 'relay_unavailable'
	/** 429. */
	| 'relay_busy'
	/** Another 4xx: the relay understood and said no. */
	| 'relay_refused'
	/** The answer is not of the protocol. */
	| 'relay_invalid'
	/** The relay knows no such session, or the token is not its own (404). */
	| 'session_not_found'
	/** Deleted or expired (410). */
	| 'session_gone'
	/** Its time is over by our own clock. */
	| 'session_expired'
	/** The manifest does not open or is not of this session. */
	| 'manifest_invalid'
	/** The relay does not have a part that the manifest names. */
	| 'part_missing'
	/** A part is not the one the manifest names, or does not open in its place. */
	| 'part_invalid'
	/** A part does not unpack, or is not NDJSON cut at line ends. */
	| 'stream_invalid'
	/** Octets or lines are not what the manifest says. */
	| 'count_mismatch'
	/** More than the caps. */
	| 'delivery_too_large'
	/** A session is under way in this folder. */
	| 'session_file_exists'
	| 'session_file_missing'
	/** Others could read or replace it: wider mode than 0600, a link, another owner. */
	| 'session_file_unsafe'
	| 'session_file_invalid'
	/** The folder holds a delivery already. */
	| 'output_exists'
	/** Others could write into the folder. */
	| 'output_unsafe'
	/** The file system said no: full, read-only, not a folder. */
	| 'output_failed'
	/** Nothing was delivered into this folder. */
	| 'no_records'
	/** What is in the folder is not what was written there. */
	| 'records_damaged'
	/** No resource or document has this name here. */
	| 'ref_unknown'
	/** A question that cannot be answered as it was put; `detail` says why. */
	| 'query_invalid'
	/** SIGINT or SIGTERM. */
	| 'interrupted'
	/** A fault of the program. */
	| 'internal';

export interface AgentErrorOptions {
	cause?: unknown;
	retryAfter?: number | undefined;
	detail?: string | undefined;
	correlationId?: string | undefined;
}

export class AgentError extends Error {
	override name = 'AgentError';
	/** Seconds after which the relay wants to be asked again (RFC 9110, section 10.2.3). */
	readonly retryAfter: number | undefined;
	/** What exactly is wrong, in plain words, without a final full stop and without any value that was given. */
	readonly detail: string | undefined;
	/** Under which the relay's log has it, if the relay said so in its problem details. */
	readonly correlationId: string | undefined;

	constructor(
		readonly code: AgentErrorCode,
		{ retryAfter, detail, correlationId, ...options }: AgentErrorOptions = {},
	) {
		super(code, options);
		this.retryAfter = retryAfter;
		this.detail = detail;
		this.correlationId = correlationId;
	}
}

const TRANSIENT = new Set<AgentErrorCode>(['relay_unreachable', 'relay_unavailable', 'relay_busy']);
const INVALID = new Set<AgentErrorCode>([
	'manifest_invalid',
	'part_missing',
	'part_invalid',
	'stream_invalid',
	'count_mismatch',
	'delivery_too_large',
]);
const GONE = new Set<AgentErrorCode>(['session_not_found', 'session_gone', 'session_expired']);

/** Worth another try of the same request. */
export function isTransient(error: unknown): error is AgentError {
	return error instanceof AgentError && TRANSIENT.has(error.code);
}

/**
 * Nothing more can come of this session: it is over, or what was sent (which can never change, a manifest is final)
 * is not valid or larger than is taken. The keys are then wiped; after any other error the session can be resumed.
 */
export function isFinal(error: unknown): error is AgentError {
	return error instanceof AgentError && (INVALID.has(error.code) || GONE.has(error.code));
}

/** What was sent is not valid, or larger than is taken. */
export function isInvalidDelivery(error: unknown): error is AgentError {
	return error instanceof AgentError && INVALID.has(error.code);
}

/** 1 error · 2 usage · 3 what was sent is not valid or too large · 4 the session is over · 130 interrupted. */
export function exitCode({ code }: AgentError): number {
	if (
		code === 'usage' ||
		code === 'query_invalid' ||
		code === 'ref_unknown' ||
		code === 'relay_url_invalid' ||
		code === 'request_invalid'
	)
		return 2;
	if (INVALID.has(code)) return 3;
	if (GONE.has(code)) return 4;
	return code === 'interrupted' ? 130 : 1;
}
