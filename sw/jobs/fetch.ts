/** Carries one task of a collection to the FHIR server: bearer token, retries, and what to do with a refusal. */
import { asBrokerError, BrokerError } from '../errors.js';
import { MAX_DOCUMENT_BYTES } from '../fhir/documents.js';
import type { Outcome, Task } from '../fhir/task.js';
import { http, retryAfter } from '../http.js';
import type { Connection } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { tryAccess } from '../wallet/patient.js';
import type { Source } from './job.js';

/** Either what came of it, or: not now, again at `until`. `busy`: the server wants less of us altogether. */
export type Fetched =
	| { kind: 'outcome'; outcome: Outcome }
	| { kind: 'postponed'; tried: Tried; until: number; busy: boolean };

/** How often a task is tried before its failure is taken as the answer, each way of failing by itself. */
const ATTEMPTS = 4;
/** Some servers answer 500 to what they do not know; most that do had a bad moment. */
const ATTEMPTS_500 = 3;
/** Being told to wait is no failure of the query. */
export const ATTEMPTS_BUSY = 8;
/** The longest that a single answer may keep a source quiet within a slice's sequence. */
const MAX_WAIT_MS = 2 * 60_000;
const LONGEST_BACK_OFF_MS = 20_000;
/** What one part takes (`LIMITS.partBytes`), so that a page of one resource fits if the resource does. */
const PAGE_OCTETS = 32 * 1024 * 1024;

/** What was tried of a task before: how often it failed in which way, and how long that took in ms. */
export interface Tried {
	failures: Partial<Record<string, number>>;
	spent: number;
}

/**
 * @param patient whether being told to wait is worth waiting
 * @throws {BrokerError} what stops the whole source: `offline`, and whatever `freshConnection` throws
 */
export async function fetchTask(
	source: Source,
	task: Task,
	{ failures, spent }: Tried,
	signal: AbortSignal,
	patient = true,
): Promise<Fetched> {
	const { connectionId } = source;
	const began = Date.now();
	const took = () => spent + Date.now() - began;
	/** Null where that was the last attempt. */
	const again = (kind: string, attempts = 0) => {
		const attempt = failures[kind] ?? 0;
		const tried = { failures: { ...failures, [kind]: attempt + 1 }, spent: took() };
		return attempt + 1 < attempts ? { tried, until: Date.now() + backOff(attempt) } : null;
	};
	try {
		let connection = await connectionOf(connectionId);
		source.requests++;
		let answer = await get(task, connection, signal);
		if (answer.status === 401 && (await isTokenAtFault(connection))) {
			// All requests that meet a 401 wait for the same refresh, and go on with what it brought.
			read.delete(connectionId);
			connection = accessOf(await freshConnection(connectionId, { rejected: connection.accessToken }));
			source.requests++;
			answer = await get(task, connection, signal);
		}
		const { status, headers, url, bytes } = answer;
		// What a server can do it tells everybody.
		if (status < 400 && task.type !== 'CapabilityStatement') accepted.set(connectionId, connection.accessToken);
		const busy = isBusy(status);
		const later = busy ? patient && again('busy', ATTEMPTS_BUSY) : again(`${status}`, RETRIED_STATUS[status]);
		if (later) {
			const asked = retryAfter(headers, Date.now()) ?? 0;
			// Longer than a person watches: the whole job rests until then, rather than every query failing.
			if (asked - Date.now() > MAX_WAIT_MS) throw new BrokerError('rate_limited', { retryAt: asked });
			return { kind: 'postponed', ...later, until: Math.max(asked, later.until), busy };
		}
		const contentType = headers.get('Content-Type');
		return { kind: 'outcome', outcome: { kind: 'response', status, contentType, url, bytes, ms: took() } };
	} catch (error) {
		if (!(error instanceof TaskError)) throw error;
		const { code } = error;
		const later = again(code, RETRIED[code]);
		if (later) return { kind: 'postponed', ...later, busy: code === 'timeout' };
		const reason = code === 'discovery_redirects' ? 'redirected' : code;
		return { kind: 'outcome', outcome: { kind: 'failed', code: reason, ms: took() } };
	}
}

export const isBusy = (status: number): boolean => status === 429 || status === 503;

/** What a request needs of a connection, and nothing that would renew its access. */
export type Access = Pick<
	Connection,
	'id' | 'fhirBaseUrl' | 'patientId' | 'scope' | 'provider' | 'accessToken' | 'accessExpiresAt' | 'lastRefreshedAt'
> & { hasRefreshToken: boolean };

function accessOf(connection: Connection): Access {
	const { id, fhirBaseUrl, patientId, scope, provider, accessToken, accessExpiresAt, lastRefreshedAt } = connection;
	const hasRefreshToken = connection.refreshToken !== null;
	return {
		id,
		fhirBaseUrl,
		patientId,
		scope,
		provider,
		accessToken,
		accessExpiresAt,
		lastRefreshedAt,
		hasRefreshToken,
	};
}

/** As last read from disk. A cache, in memory only: reading one takes longer than many an answer. */
const read = new Map<string, { connection: Promise<Access>; until: number }>();
const READ_MS = 5_000;

/** Forgets every token: nobody uses one that this worker still knew once the wallet is locked or a connection is gone. */
export function forgetAccess(): void {
	read.clear();
	accepted.clear();
}

/** @param anew as it lies on disk now @throws {BrokerError} as `freshConnection` */
export function connectionOf(id: string, anew = false): Promise<Access> {
	const known = anew ? undefined : read.get(id);
	const now = Date.now();
	if (known && now < known.until && known.until <= now + READ_MS) return known.connection;
	const entry = { connection: freshConnection(id).then(accessOf), until: now + READ_MS };
	read.set(id, entry);
	entry.connection.then(
		({ accessExpiresAt }) => {
			// A token that lives for seconds is looked after all the more.
			entry.until = Math.min(
				entry.until,
				Date.now() + ((accessExpiresAt ?? Number.POSITIVE_INFINITY) - Date.now()) / 2,
			);
		},
		() => read.delete(id),
	);
	return entry.connection;
}

/** The last access token of each connection that a server took. A cache, in memory only. */
const accepted = new Map<string, string>();
/** Refreshing more often than this gets a client throttled. */
const YOUNG_MS = 60_000;

/**
 * Some servers answer 401, not 403, for a kind of record that they do not give out. Only a token that was never taken, or
 * one old enough to have been ended meanwhile, is worth a refresh; else the 401 is that query's answer.
 */
async function isTokenAtFault(connection: Access): Promise<boolean> {
	const { id, accessToken, hasRefreshToken, lastRefreshedAt } = connection;
	if (hasRefreshToken) return accepted.get(id) !== accessToken || Date.now() - lastRefreshedAt > YOUNG_MS;
	// Nothing to refresh: calling this token dead ends the connection, so the Patient decides.
	return tryAccess(connection).then(
		() => false,
		(error) => asBrokerError(error).code === 'reauthorization_required',
	);
}

/** A failure of the one request, as against one of the whole connection. */
class TaskError extends BrokerError {}

async function get(
	task: Task,
	{ fhirBaseUrl, accessToken }: Pick<Access, 'fhirBaseUrl' | 'accessToken'>,
	signal: AbortSignal,
) {
	const { url } = task;
	const binary = task.kind === 'binary';
	// The core gives only addresses of this origin; the token does not depend on that.
	if (new URL(url).origin !== new URL(fhirBaseUrl).origin) throw new TaskError('provider_error');
	try {
		return await http(url, {
			headers: { Authorization: `Bearer ${accessToken}`, Accept: task.accept },
			signal,
			timeout: 60_000,
			maxBytes: binary ? MAX_DOCUMENT_BYTES : PAGE_OCTETS,
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
const RETRIED_STATUS: Partial<Record<number, number>> = { 500: ATTEMPTS_500, 502: ATTEMPTS, 504: ATTEMPTS };

function backOff(attempt: number): number {
	return Math.min(500 * 3 ** attempt, LONGEST_BACK_OFF_MS) * (0.75 + Math.random() / 2);
}
