/**
 * Keeps connections alive. The one place that refreshes, so that a refresh token is sent once however many tabs, workers
 * and jobs want an access token at the same moment:
 *
 * 1. under a Web Lock named for the connection, re-read it; if somebody else was faster, use what they got;
 * 2. write the intent, then send the refresh token;
 * 3. commit the answer in one durable transaction, and only then use it.
 *
 * A worker that dies in between leaves the intent behind. The server may have rotated by then; the next one simply sends
 * the same token again, and `invalid_grant` is the server's final word (no loop).
 */
import type { Expiry } from '../contract.js';
import { BrokerError, isTransient } from '../errors.js';
import { type End, endInFields, endInToken, followExpiry } from '../smart/expiry.js';
import { introspectExpiry, processRefreshResponse, type Tokens } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import {
	type Connection,
	changeConnection,
	getConnection,
	isExpired,
	isRenewable,
	listConnections,
	noteProblem,
	updateConnection,
} from './connections.js';
import { tryAccess } from './patient.js';
import { renewRequest } from './renew.js';

/** An access token with less than this left is not worth starting with, unless it never had much more. */
const MARGIN_MS = 60_000;
/** How long a renewable access token is used whose end was not told. Thought dead too early, it costs one refresh. */
const UNTOLD_MS = 300_000;
/** A connection that was not tried for this long is due, whatever its access token says. */
const UNTESTED_MS = 60 * 60_000;
/** How long to wait for somebody else's refresh. */
const LOCK_TIMEOUT_MS = 90_000;

/** Connections that this worker is refreshing now, for the view. A cache: lost with the worker, and then untrue anyway. */
const refreshing = new Set<string>();
/** Answers that could not be written down. While this worker lives, they are not lost. */
const unsaved = new Map<string, Partial<Connection>>();

/** A new sign-in counts for more than the answer to an older refresh. */
export function forgetUnsaved(id: string): void {
	unsaved.delete(id);
}

/** Whether tokens live in this worker's memory alone. */
export function hasUnsaved(): boolean {
	return unsaved.size > 0;
}

/** Tries again to write down what could not be written. @returns whether something is left */
export async function saveUnsaved(): Promise<boolean> {
	for (const id of [...unsaved.keys()]) await load(id).catch(() => undefined);
	return hasUnsaved();
}

let changed: () => void = () => {};

/** Whom to tell when a connection changed. */
export function onConnectionChange(listener: () => void): void {
	changed = listener;
}

export function isRefreshing(id: string): boolean {
	return refreshing.has(id);
}

/** What the caller already knows to be useless: a token the server refused, or anything obtained before a moment. */
export interface Stale {
	rejected?: string;
	before?: number;
}

/**
 * A connection with an access token that is good for at least a minute, refreshing it if need be.
 * @throws {BrokerError} `connection_unknown`, `reauthorization_required`, and what a refresh throws
 */
export async function freshConnection(id: string, stale: Stale = {}): Promise<Connection> {
	const known = await load(id);
	if (isUsable(known, stale)) return known;
	return locked(id, async () => {
		const connection = await load(id);
		if (isUsable(connection, stale)) return connection;
		refreshing.add(id);
		changed();
		try {
			return await refresh(connection);
		} finally {
			refreshing.delete(id);
			changed();
		}
	});
}

/** Runs `work` while nobody else refreshes, repairs or removes the connection, in whichever worker. */
export function locked<T>(id: string, work: () => Promise<T>): Promise<T> {
	return navigator.locks.request(`refresh ${id}`, { signal: AbortSignal.timeout(LOCK_TIMEOUT_MS) }, work);
}

function isUsable(connection: Connection, { rejected, before = 0 }: Stale): boolean {
	return (
		connection.status === 'active' &&
		connection.accessToken !== rejected &&
		// Access that cannot be renewed is used to its end, and asking for a refresh does not shorten it.
		(connection.refreshToken === null || connection.lastRefreshedAt >= before) &&
		timeLeft(connection, Date.now()) > (connection.refreshToken === null ? 0 : margin(connection))
	);
}

function timeLeft({ accessExpiresAt }: Connection, now: number): number {
	return (accessExpiresAt ?? Number.POSITIVE_INFINITY) - now;
}

function margin(connection: Connection): number {
	return Math.min(MARGIN_MS, timeLeft(connection, connection.lastRefreshedAt) / 2);
}

async function load(id: string): Promise<Connection> {
	const pending = unsaved.get(id);
	const connection = pending ? await updateConnection(id, pending) : await getConnection(id);
	// A refresh may have ended meanwhile, and left an answer that is newer than what was saved here.
	if (unsaved.get(id) === pending) unsaved.delete(id);
	if (!connection) throw new BrokerError('connection_unknown');
	return connection;
}

/** Runs under the lock. */
async function refresh(connection: Connection): Promise<Connection> {
	const { id } = connection;
	try {
		if (!isRenewable(connection) || connection.status === 'expired') throw new BrokerError('reauthorization_required');
		await updateConnection(id, { intent: { startedAt: Date.now() } });
		const response = await renewRequest(connection);
		const tokens = await processRefreshResponse(response, connection.patientId);
		const saved = await save(id, applyTokens(connection, tokens, Date.now()));
		// The end is worth knowing, but not worth risking the tokens for: they are on disk already.
		return tellEnd(saved, tokens.clockOffset);
	} catch (error) {
		const failure = error instanceof DOMException && error.name === 'TimeoutError' ? new BrokerError('timeout') : error;
		await noteFailure(connection, failure);
		throw failure;
	}
}

/** What a token response changes of a connection. */
export function applyTokens(connection: Connection, tokens: Tokens, now: number): Partial<Connection> {
	const refreshToken = tokens.refreshToken ?? connection.refreshToken;
	return {
		accessToken: tokens.accessToken,
		accessExpiresAt: accessEnd(tokens, refreshToken, now),
		refreshToken,
		scope: tokens.scope ?? connection.scope,
		intent: null,
		status: 'active',
		problem: null,
		lastRefreshedAt: now,
		expiry: expiryAfter(connection.expiry, tokens, refreshToken, now),
	};
}

/** When to take the access token for dead. */
export function accessEnd(tokens: Tokens, refreshToken: string | null, now: number): number | null {
	return tokens.accessExpiresAt ?? (refreshToken === null ? null : now + UNTOLD_MS);
}

/** Expiry as far as the answer itself tells. */
export function expiryAfter(before: Expiry, tokens: Tokens, refreshToken: string | null, now: number): Expiry {
	if (refreshToken === null) {
		return tokens.accessExpiresAt === null
			? { kind: 'unknown' }
			: { kind: 'at', at: tokens.accessExpiresAt, renews: false };
	}
	const told = endInFields(tokens.fields, now);
	const end = told === 'unknown' ? shift(endInToken(refreshToken), tokens.clockOffset) : told;
	return followExpiry(before, end);
}

/** Asks a server that only tells by introspection. */
export async function tellEnd(connection: Connection, clockOffset: number): Promise<Connection> {
	if (!connection.refreshToken || !vendorAuth(connection.provider.vendor).introspects) return connection;
	const end = await introspectExpiry(connection, connection.refreshToken, connection.accessToken);
	if (end === null) return connection;
	const expiry = followExpiry(connection.expiry, shift(end, clockOffset));
	return (await updateConnection(connection.id, { expiry })) ?? connection;
}

/** A moment by the provider's clock, by ours. */
function shift(end: End, clockOffset: number): End {
	return typeof end === 'number' ? end - clockOffset : end;
}

async function save(id: string, change: Partial<Connection>): Promise<Connection> {
	unsaved.set(id, change);
	return load(id);
}

/** Notes a failure with the connection, unless that has another grant by now: then the failure is of the old one. */
async function noteFailure(tried: Connection, error: unknown): Promise<void> {
	const code = error instanceof BrokerError ? error.code : undefined;
	await changeConnection(tried.id, (connection) => {
		if (connection.refreshToken !== tried.refreshToken || connection.accessToken !== tried.accessToken)
			return undefined;
		const noted = { ...connection, intent: null, problem: noteProblem(connection.problem, error, Date.now()) };
		// Only these two end a connection; everything else leaves it as it was.
		if (code === 'reauthorization_required') return { ...noted, status: 'expired' };
		// Access to somebody else's record is not kept, not even sealed.
		if (code === 'patient_mismatch') return { ...noted, status: 'expired', accessToken: '', refreshToken: null };
		return noted;
	}).catch(() => undefined);
}

/**
 * Asks the provider now, due or not. What cannot be renewed is tried instead.
 * @throws {BrokerError} `connection_unknown`, and what a refresh throws
 */
export async function refreshNow(id: string): Promise<void> {
	const connection = await load(id);
	if (connection.refreshToken !== null || connection.status === 'expired') {
		await freshConnection(id, { before: Date.now() });
		return;
	}
	refreshing.add(id);
	changed();
	try {
		await tryAccess(connection);
		await updateConnection(id, { problem: null });
	} catch (error) {
		await noteFailure(connection, error);
		throw error;
	} finally {
		refreshing.delete(id);
		changed();
	}
}

/** Refreshes what is due, a few at a time; failures are noted with the connection. */
export async function tend(): Promise<void> {
	const now = Date.now();
	const due = (await listConnections())
		.filter((connection) => isDue(connection, now))
		.sort((a, b) => timeLeft(a, now) - timeLeft(b, now));
	const next = async (): Promise<void> => {
		const connection = due.shift();
		if (!connection) return;
		await freshConnection(connection.id, { before: connection.lastRefreshedAt + 1 }).catch(() => undefined);
		await next();
	};
	await Promise.all([next(), next(), next()]);
}

function isDue(connection: Connection, now: number): boolean {
	const { problem, refreshToken, intent, lastRefreshedAt } = connection;
	if (isExpired(connection, now) || refreshToken === null) return false;
	// A worker died with this refresh in flight: find out whether the connection outlived it.
	if (intent) return true;
	if ((problem?.error.retryAt ?? 0) > now) return false;
	if (problem && !isTransient(problem.error.code) && now - problem.triedAt < UNTESTED_MS) return false;
	return timeLeft(connection, now) < 5 * MARGIN_MS || now - lastRefreshedAt > UNTESTED_MS;
}
