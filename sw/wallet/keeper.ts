/**
 * Keeps connections alive. The one place that refreshes, so that a refresh token is sent once however many tabs, workers
 * and jobs want an access token at the same moment: under a lock named for the connection (`lease.ts`) it is read again, and
 * if somebody else was faster, what they got is used; else it is refreshed (`refresh.ts`).
 */
import { asBrokerError, BrokerError } from '../errors.js';
import { vendorAuth } from '../smart/vendors.js';
import { type Connection, changeConnection, getConnection, isRenewable } from './connections.js';
import { locked } from './lease.js';
import { tryAccess } from './patient.js';
import { failed, note, refresh } from './refresh.js';
import { settle } from './unsaved.js';

export { locked } from './lease.js';
export { saveUnsaved } from './unsaved.js';

/** An access token with less than this left is not worth starting with, unless it never had much more. */
const MARGIN_MS = 60_000;

/** Connections that this worker is refreshing now, for the view. A cache: lost with the worker, and then untrue anyway. */
const refreshing = new Set<string>();

let changed: () => void = () => {};

/** Whom to tell when a connection changed. */
export function onConnectionChange(listener: () => void): void {
	changed = listener;
}

export function isRefreshing(id: string): boolean {
	return refreshing.has(id);
}

/** What the caller already knows to be useless: a token that the server refused, or the state of a certain refresh. */
export interface Stale {
	rejected?: string;
	/** `lastRefreshedAt` as the caller has seen it. Not "before a moment": clocks are moved back. */
	seen?: number;
}

/**
 * A connection with an access token that is good for at least a minute, refreshing it if need be. Who waited for somebody else's
 * request shares what came of it, a failure as well.
 * @throws {BrokerError} `connection_unknown`, `reauthorization_required`, `timeout`, and what a refresh throws
 */
export async function freshConnection(id: string, stale: Stale = {}): Promise<Connection> {
	const known = await load(id);
	if (isUsable(known, stale)) return known;
	return locked(id, async () => {
		const connection = await load(id);
		if (isUsable(connection, stale)) return connection;
		const failure = failedSince(known, connection);
		if (failure) throw failure;
		return shown(id, () => refresh(connection));
	});
}

/** The failure that was noted in between; an intent beside it is of a worker that died, and that is no answer. */
function failedSince(known: Connection, { problem, intent }: Connection): BrokerError | undefined {
	if (!problem || intent || problem.error.correlationId === known.problem?.error.correlationId) return undefined;
	return new BrokerError(problem.error.code, problem.error);
}

/** Shows the connection as being refreshed meanwhile. */
async function shown<T>(id: string, work: () => Promise<T>): Promise<T> {
	refreshing.add(id);
	changed();
	try {
		return await work();
	} finally {
		refreshing.delete(id);
		changed();
	}
}

function isUsable(connection: Connection, { rejected, seen }: Stale): boolean {
	// Access that cannot be renewed is used to its end, and asking for a refresh does not shorten it.
	const renewable = isRenewable(connection);
	return (
		connection.status === 'active' &&
		connection.accessToken !== rejected &&
		(!renewable || connection.lastRefreshedAt !== seen) &&
		timeLeft(connection, Date.now()) > (renewable ? margin(connection) : 0)
	);
}

/** What is left of the access token, in milliseconds. */
function timeLeft({ accessExpiresAt }: Connection, now: number): number {
	return (accessExpiresAt ?? Number.POSITIVE_INFINITY) - now;
}

function margin(connection: Connection): number {
	const lifetime = timeLeft(connection, connection.lastRefreshedAt);
	// Less than none, where the clock was moved back in between.
	return Math.max(0, Math.min(MARGIN_MS, lifetime / 2));
}

/** What is on disk, once an earlier answer is there too: nobody may use what is not written down. */
async function load(id: string): Promise<Connection> {
	await settle(id);
	const connection = await getConnection(id);
	if (!connection) throw new BrokerError('connection_unknown');
	return connection;
}

/**
 * Asks the provider now, due or not; joins a refresh that is under way. What cannot be renewed, or was a moment ago where that may be
 * throttled, is tried with a read instead.
 * @throws {BrokerError} `connection_unknown`, and what a refresh throws
 */
export async function refreshNow(id: string): Promise<void> {
	const connection = await load(id);
	const asks = isRenewable(connection) && !mayThrottle(connection);
	if (asks || connection.status === 'expired') await freshConnection(id, { seen: connection.lastRefreshedAt });
	else await shown(id, () => test(connection));
}

/** Whether the provider was asked for tokens so recently that it may take offence. */
function mayThrottle({ provider, lastRefreshedAt }: Connection): boolean {
	return Math.abs(Date.now() - lastRefreshedAt) < (vendorAuth(provider.vendor).minRefreshIntervalMs ?? 0);
}

async function test(tried: Connection): Promise<void> {
	const change = (make: (connection: Connection) => Connection) =>
		changeConnection(tried.id, (now) => (now.accessToken === tried.accessToken ? make(now) : undefined));
	try {
		await tryAccess(tried);
	} catch (error) {
		const { code } = asBrokerError(error);
		if (code === 'reauthorization_required' && isRenewable(tried)) {
			await freshConnection(tried.id, { rejected: tried.accessToken });
			return;
		}
		await change((connection) => failed(connection, error, Date.now()));
		note(tried, code);
		throw error;
	}
	await change((connection) => ({ ...connection, problem: null }));
	note(tried);
}
