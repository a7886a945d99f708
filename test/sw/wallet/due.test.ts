import { expect, test } from 'vitest';
import type { ErrorCode } from '../../../sw/contract.js';
import type { Connection } from '../../../sw/wallet/connections.js';
import { dueConnections } from '../../../sw/wallet/due.js';
import { connection } from './support.js';

const now = Date.parse('2026-11-22T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Refreshed ten minutes ago, with an access token for an hour. */
const good = (change: Partial<Connection> = {}) =>
	connection({ accessExpiresAt: now + 50 * MINUTE, lastRefreshedAt: now - 10 * MINUTE, ...change });
const isDue = (change: Partial<Connection>, online = true, at = now) =>
	dueConnections([good(change)], at, online).length === 1;
/** A failure that lasts since `since` and was met last at `triedAt`, both minutes ago. */
const failing = (code: ErrorCode, since: number, triedAt: number, retryAt?: number): Connection['problem'] => ({
	error: { code, correlationId: 'x', ...(retryAt === undefined ? {} : { retryAt }) },
	since: now - since * MINUTE,
	triedAt: now - triedAt * MINUTE,
});

test.each<[string, Partial<Connection>, boolean]>([
	['one that works and was tested just now is left alone', {}, false],
	['one whose access token is gone is due', { accessExpiresAt: now - 1 }, true],
	['one whose access token is near its end is due', { accessExpiresAt: now + 5 * MINUTE }, true],
	['one with six minutes left is not', { accessExpiresAt: now + 6 * MINUTE }, false],
	[
		'one that was not tested for an hour is due, however good its token',
		{ accessExpiresAt: now + 9 * HOUR, lastRefreshedAt: now - HOUR },
		true,
	],
	['one that has ended is not', { status: 'expired', accessExpiresAt: 0 }, false],
	['one that cannot be renewed is not', { refreshToken: null, accessExpiresAt: now + MINUTE }, false],
	[
		'one that a key of this device renews is, without any refresh token',
		{ refreshToken: null, device: { clientId: 'd' }, accessExpiresAt: now - 1 },
		true,
	],
	['one that a dead worker left behind is due', { intent: { startedAt: now - 1, tokenHash: 'h', attempt: 1 } }, true],
	[
		'one tested in the future is due: the clock was moved back',
		{ lastRefreshedAt: now + 24 * HOUR, accessExpiresAt: now + 25 * HOUR },
		true,
	],
	['a failure of nine minutes is looked at again after as long', { problem: failing('network', 18, 9) }, true],
	['and not before', { problem: failing('network', 19, 9) }, false],
	['a failure that lasts for days is looked at every hour', { problem: failing('timeout', 4000, 60) }, true],
	['and no more often', { problem: failing('timeout', 4000, 59) }, false],
	['a first failure rests for a minute', { problem: failing('provider_unavailable', 0.9, 0.9) }, false],
	['and is then looked at', { problem: failing('provider_unavailable', 1, 1) }, true],
	['a rejected client is asked once an hour', { problem: failing('client_rejected', 59, 59) }, false],
	['and then is', { problem: failing('client_rejected', 60, 60) }, true],
	['a disk that was full is tried like an outage', { problem: failing('storage_full', 2, 1) }, true],
	['what the server said about when counts for more', { problem: failing('rate_limited', 90, 60, now + 1) }, false],
	['and only until then', { problem: failing('rate_limited', 5, 5, now) }, true],
	[
		'a failure noted in the future is no reason to wait',
		{ problem: failing('rate_limited', -60, -60, now + 2 * HOUR) },
		true,
	],
	['nor one of a rejected client', { problem: failing('client_rejected', -1440, -1440) }, true],
])('%s', (_what, change, expected) => {
	expect(isDue(change)).toBe(expected);
});

test('having been offline is no reason to wait once there is a network', () => {
	const change = { problem: failing('offline', 30, 0.5) };
	expect(isDue(change, true)).toBe(true);
	expect(isDue(change, false)).toBe(false);
});

test('whatever was noted by whatever clock, nothing is left alone for more than a day', () => {
	const offsets = [-400, -30, -1, 0, 1, 30, 400].map((days) => days * 24 * HOUR);
	for (const refreshed of offsets)
		for (const tried of offsets)
			for (const code of ['network', 'client_rejected', 'rate_limited', 'offline'] as const) {
				const triedAt = now + tried;
				// `retryAfter` believes no more than a day.
				const error = {
					code,
					correlationId: 'x',
					...(code === 'rate_limited' ? { retryAt: triedAt + 24 * HOUR } : {}),
				};
				const problem = { error, since: triedAt, triedAt };
				const lastRefreshedAt = now + refreshed;
				const change = { lastRefreshedAt, accessExpiresAt: lastRefreshedAt + HOUR, problem };
				expect(isDue(change) || isDue(change, true, now + 24 * HOUR), JSON.stringify(change)).toBe(true);
			}
});

test('newest need first, and before all what a dead worker left behind', () => {
	const order = dueConnections(
		[
			good({ id: 'old', accessExpiresAt: now - 9 * HOUR, lastRefreshedAt: now - 10 * HOUR }),
			good({
				id: 'left',
				accessExpiresAt: now - 99 * HOUR,
				lastRefreshedAt: now - 99 * HOUR,
				intent: { startedAt: now },
			}),
			good({ id: 'new', accessExpiresAt: now - MINUTE, lastRefreshedAt: now - HOUR }),
			good({ id: 'fine' }),
		],
		now,
		true,
	);
	expect(order.map(({ id }) => id)).toEqual(['left', 'new', 'old']);
});
