/** Carries one task of a collection to the FHIR server: bearer token, retries, and what to do with a refusal. */
import { asBrokerError, BrokerError } from '../errors.js';
import type { Outcome, Task } from '../fhir/task.js';
import { http, retryAfter } from '../http.js';
import type { Connection } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { tryAccess } from '../wallet/patient.js';
import type { Source } from './job.js';

/** Either what came of it, or: not now, again at `until`. `busy`: the server wants less of us altogether. */
export type Fetched = { kind: 'outcome'; outcome: Outcome } | { kind: 'postponed'; until: number; busy: boolean };

/** How often a task is tried before its failure is taken as the answer. */
const ATTEMPTS = 4;
/** Some servers answer 500 to what they do not know; most that do had a bad moment. */
const ATTEMPTS_500 = 3;
/** Being told to wait is no failure of the query. */
const ATTEMPTS_BUSY = 8;
/** The longest that a single answer may keep a source quiet within a slice's sequence. */
const MAX_WAIT_MS = 2 * 60_000;
const LONGEST_BACK_OFF_MS = 20_000;
/** What one part takes (`LIMITS.partBytes`), so that a page of one resource fits if the resource does. */
const PAGE_OCTETS = 32 * 1024 * 1024;
/** A document, before base64: with it and gzip a part stays below what a relay takes. */
const DOCUMENT_OCTETS = 20 * 1024 * 1024;

/** What was tried of a task before: how often, and how long that took in ms. */
export interface Tried {
	attempt: number;
	spent: number;
}

/** @throws {BrokerError} what stops the whole source: `offline`, and whatever `freshConnection` throws */
export async function fetchTask(
	source: Source,
	task: Task,
	{ attempt, spent }: Tried,
	signal: AbortSignal,
): Promise<Fetched> {
	const { connectionId } = source;
	const began = Date.now();
	const took = () => spent + Date.now() - began;
	try {
		let connection = await connectionOf(connectionId);
		let answer = await getFitting(source, task, connection, signal);
		if (answer.status === 401 && (await isTokenAtFault(connection))) {
			// All requests that meet a 401 wait for the same refresh, and go on with what it brought.
			read.delete(connectionId);
			connection = await freshConnection(connectionId, { rejected: connection.accessToken });
			answer = await getFitting(source, task, connection, signal);
		}
		const { status, headers, url, bytes } = answer;
		if (status < 400) accepted.set(connectionId, connection.accessToken);
		const busy = isBusy(status);
		if (attempt + 1 < (busy ? ATTEMPTS_BUSY : (RETRIED_STATUS[status] ?? 0))) {
			const asked = retryAfter(headers, Date.now()) ?? 0;
			// Longer than a person watches: the whole job rests until then, rather than every query failing.
			if (asked - Date.now() > MAX_WAIT_MS) throw new BrokerError('rate_limited', { retryAt: asked });
			return { kind: 'postponed', until: Math.max(asked, Date.now() + backOff(attempt)), busy };
		}
		const contentType = headers.get('Content-Type');
		return { kind: 'outcome', outcome: { kind: 'response', status, contentType, url, bytes, ms: took() } };
	} catch (error) {
		if (!(error instanceof TaskError)) throw error;
		const { code } = error;
		if (attempt + 1 < (RETRIED[code] ?? 0))
			return { kind: 'postponed', until: Date.now() + backOff(attempt), busy: code === 'timeout' };
		const reason = code === 'discovery_redirects' ? 'redirected' : code;
		return { kind: 'outcome', outcome: { kind: 'failed', code: reason, ms: took() } };
	}
}

export const isBusy = (status: number): boolean => status === 429 || status === 503;

/** Connections as last read from disk. A cache, in memory only: reading one takes longer than many an answer. */
const read = new Map<string, { connection: Promise<Connection>; until: number }>();
const READ_MS = 5_000;

/** @throws {BrokerError} as `freshConnection` */
export function connectionOf(id: string): Promise<Connection> {
	const known = read.get(id);
	const now = Date.now();
	if (known && now < known.until && known.until <= now + READ_MS) return known.connection;
	const entry = { connection: freshConnection(id), until: now + READ_MS };
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

/** The first page of a search that is too large is asked for with fewer resources; later ones have the server's own links. */
async function getFitting(source: Source, task: Task, connection: Connection, signal: AbortSignal) {
	for (let { url } = task; ; ) {
		try {
			source.requests++;
			return await get(task, url, connection, signal);
		} catch (error) {
			const smaller = error instanceof TaskError && error.code === 'too_large' ? withFewer(task, url) : null;
			if (!smaller) throw error;
			url = smaller;
		}
	}
}

const COUNT = /([?&]_count=)(\d+)/;

function withFewer({ kind, id }: Task, url: string): string | null {
	const count = Number(COUNT.exec(url)?.[2]);
	if (kind !== 'search' || !/@(\D*)0$/.test(id) || !(count > 1)) return null;
	return url.replace(COUNT, `$1${Math.ceil(count / 10)}`);
}

async function get(task: Task, url: string, { fhirBaseUrl, accessToken }: Connection, signal: AbortSignal) {
	const binary = task.kind === 'binary';
	// S:97. The core gives only addresses of this origin; the token does not depend on that.
	if (new URL(url).origin !== new URL(fhirBaseUrl).origin) throw new TaskError('provider_error');
	try {
		return await http(url, {
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
const RETRIED_STATUS: Partial<Record<number, number>> = { 500: ATTEMPTS_500, 502: ATTEMPTS, 504: ATTEMPTS };

function backOff(attempt: number): number {
	return Math.min(500 * 3 ** attempt, LONGEST_BACK_OFF_MS) * (0.75 + Math.random() / 2);
}
