/** Carries one task of a collection to the FHIR server: bearer token, retries, and what to do with a refusal. */
import { asBrokerError, BrokerError } from '../errors.js';
import type { Outcome, Task } from '../fhir/task.js';
import { bodyText, http, retryAfter } from '../http.js';
import type { Connection } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { tryAccess } from '../wallet/patient.js';
import type { Source } from './job.js';

/** Either what came of it, or: not now, again at `until`. */
export type Fetched = { kind: 'outcome'; outcome: Outcome } | { kind: 'postponed'; until: number; busy: boolean };

/** How often a task is tried before its failure is taken as the answer. */
const ATTEMPTS = 4;
/** The longest that a single answer may keep a source quiet within a slice's sequence. */
const MAX_WAIT_MS = 2 * 60_000;
const PAGE_OCTETS = 64 * 1024 * 1024;
/** A document, before base64: with it and gzip a part stays below what a relay takes. */
const DOCUMENT_OCTETS = 20 * 1024 * 1024;

/**
 * @param attempt counted from 0
 * @throws {BrokerError} what stops the whole source: `offline`, and whatever `freshConnection` throws
 */
export async function fetchTask(
	{ connectionId }: Source,
	task: Task,
	attempt: number,
	signal: AbortSignal,
): Promise<Fetched> {
	try {
		let connection = await freshConnection(connectionId);
		let answer = await get(task, connection, signal);
		if (answer.status === 401 && (await isTokenAtFault(connection))) {
			// All requests that meet a 401 wait for the same refresh, and go on with what it brought.
			connection = await freshConnection(connectionId, { rejected: connection.accessToken });
			answer = await get(task, connection, signal);
		}
		if (answer.status < 400) accepted.set(connectionId, connection.accessToken);
		const busy = answer.status === 429 || answer.status === 503;
		if ((busy || answer.status === 502 || answer.status === 504) && attempt + 1 < ATTEMPTS) {
			const asked = retryAfter(answer.headers, Date.now()) ?? 0;
			// Longer than a person watches: the whole job rests until then, rather than every query failing.
			if (asked - Date.now() > MAX_WAIT_MS) throw new BrokerError('rate_limited', { retryAt: asked });
			return { kind: 'postponed', until: Math.max(asked, Date.now() + backOff(attempt)), busy };
		}
		const { status, headers, url, bytes } = answer;
		const content = task.kind === 'binary' ? { bytes } : { text: bodyText(answer) };
		return {
			kind: 'outcome',
			outcome: { kind: 'response', status, contentType: headers.get('Content-Type'), url, ...content },
		};
	} catch (error) {
		if (!(error instanceof TaskError)) throw error;
		const { code } = error;
		if (attempt + 1 < (RETRIED[code] ?? 0))
			return { kind: 'postponed', until: Date.now() + backOff(attempt), busy: false };
		const reason = code === 'discovery_redirects' ? 'redirected' : code;
		return { kind: 'outcome', outcome: { kind: 'failed', code: reason } };
	}
}

/** The last access token of each connection that a server took. A cache, in memory only. */
const accepted = new Map<string, string>();
/** Refreshing more often than this gets a client throttled. */
const YOUNG_MS = 60_000;

/**
 * Some servers answer 401, not 403, for a kind of record that they do not give out. Only a token that was never taken, or
 * one old enough to have been ended meanwhile, is worth a refresh; else the 401 is that query's answer.
 */
async function isTokenAtFault(connection: Connection): Promise<boolean> {
	const { id, accessToken, refreshToken, lastRefreshedAt } = connection;
	if (refreshToken !== null) return accepted.get(id) !== accessToken || Date.now() - lastRefreshedAt > YOUNG_MS;
	// Nothing to refresh: calling this token dead ends the connection, so the Patient decides.
	return tryAccess(connection).then(
		() => false,
		(error) => asBrokerError(error).code === 'reauthorization_required',
	);
}

/** A failure of the one request, as against one of the whole connection. */
class TaskError extends BrokerError {}

async function get(task: Task, { fhirBaseUrl, accessToken }: Connection, signal: AbortSignal) {
	const binary = task.kind === 'binary';
	// S:97. The core gives only addresses of this origin; the token does not depend on that.
	if (new URL(task.url).origin !== new URL(fhirBaseUrl).origin) throw new TaskError('provider_error');
	try {
		return await http(task.url, {
			headers: { Authorization: `Bearer ${accessToken}`, Accept: task.accept },
			signal,
			timeout: 60_000,
			maxBytes: binary ? DOCUMENT_OCTETS : PAGE_OCTETS,
			tooLarge: 'too_large',
			redirected: 'discovery_redirects',
		});
	} catch (cause) {
		const error = asBrokerError(cause);
		if (error.code === 'offline') throw error;
		throw new TaskError(error.code, { cause });
	}
}

/** Attempts by failure. Servers leave CORS headers off their refusals, so `cors` is seldom worth much. */
const RETRIED: Partial<Record<string, number>> = { network: ATTEMPTS, timeout: ATTEMPTS, cors: 2 };

function backOff(attempt: number): number {
	return 500 * 3 ** attempt * (0.75 + Math.random() / 2);
}
