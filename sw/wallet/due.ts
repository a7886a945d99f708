/** Which connections are to be refreshed without anybody asking, and in which order. Pure. */
import { isTransient } from '../errors.js';
import { type Connection, isExpired, isRenewable } from './connections.js';

const MINUTE = 60_000;
/** A connection that was not tested for this long is due, whatever its access token says. */
const UNTESTED_MS = 60 * MINUTE;
/** An access token this near its end is renewed before it is needed. */
const NEAR_MS = 5 * MINUTE;

/** What passes with this device's storage, and was never the provider's fault. */
const STORAGE = new Set(['storage_full', 'storage_failed', 'internal']);

/**
 * Those that are due, newest need first: whoever used the wallet today waits for nobody whose provider has been out for a
 * week. A refresh that a dead worker left behind comes before all, as long as the server may still forgive it.
 */
export function dueConnections(connections: Connection[], now: number, online: boolean): Connection[] {
	return connections
		.filter((connection) => isDue(connection, now, online))
		.sort((a, b) => Number(b.intent !== null) - Number(a.intent !== null) || needSince(b) - needSince(a));
}

export function isDue(connection: Connection, now: number, online: boolean): boolean {
	const { problem, intent, lastRefreshedAt } = connection;
	if (isExpired(connection, now) || !isRenewable(connection)) return false;
	// The first death is looked into at once. After another one there is a problem, and a pause that grows with it.
	if (intent && (intent.attempt ?? 1) < 2) return true;
	if (rests(connection, now, online)) return false;
	// A moment that is still to come was noted by a clock that has been moved back, and says nothing.
	return Boolean(intent ?? problem) || lastRefreshedAt > now || needSince(connection) <= now;
}

function needSince({ accessExpiresAt, lastRefreshedAt }: Connection): number {
	return Math.min((accessExpiresAt ?? Number.POSITIVE_INFINITY) - NEAR_MS, lastRefreshedAt + UNTESTED_MS);
}

/** Those for which this device is still to register a client of its own. Where access has ended, that is only given up. */
export function wantingDevice(connections: Connection[], now: number, online: boolean): Connection[] {
	return connections.filter(
		(connection) => connection.device === 'wanted' && (isExpired(connection, now) || !rests(connection, now, online)),
	);
}

function rests({ problem }: Connection, now: number, online: boolean): boolean {
	return problem !== null && now < restsUntil(problem, now, online);
}

/** Until when a connection with a problem is left alone. */
function restsUntil(
	{ error, since, triedAt }: NonNullable<Connection['problem']>,
	now: number,
	online: boolean,
): number {
	if (triedAt > now) return now;
	if (error.retryAt !== undefined) return error.retryAt;
	if (error.code === 'offline' && online) return now;
	if (!isTransient(error.code) && !STORAGE.has(error.code)) return triedAt + UNTESTED_MS;
	// As long again as it has lasted, so that the pauses double; an hour at most.
	return triedAt + Math.min(Math.max(triedAt - since, MINUTE), UNTESTED_MS);
}
