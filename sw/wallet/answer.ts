/** What a token response changes of a connection. */
import type { Expiry } from '../contract.js';
import { endInAnswer, followExpiry } from '../smart/expiry.js';
import { introspectExpiry, type Tokens } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import { type Connection, changeConnection, hasDeviceKey } from './connections.js';

/** How long a renewable access token is used whose end was not told. Thought dead too early, it costs one refresh. */
const UNTOLD_MS = 300_000;

/** What is known before the answer; of a new connection, nothing. */
type Before = Pick<
	Connection,
	'refreshToken' | 'idleRefreshToken' | 'device' | 'scope' | 'expiry' | 'lastRefreshedAt' | 'clockOffset'
>;
/** What an answer renews. */
export type Renewed = Required<
	Pick<
		Connection,
		| 'accessToken'
		| 'accessExpiresAt'
		| 'refreshToken'
		| 'idleRefreshToken'
		| 'scope'
		| 'intent'
		| 'status'
		| 'problem'
		| 'lastRefreshedAt'
		| 'clockOffset'
		| 'expiry'
	>
>;

export function applyTokens(before: Before, tokens: Tokens, now: number): Renewed {
	// A device that renews by its key uses no other secret.
	const byDevice = hasDeviceKey(before);
	const refreshToken = byDevice ? null : (tokens.refreshToken ?? before.refreshToken);
	const renewable = byDevice || refreshToken !== null;
	const clockOffset = tokens.clockOffset ?? before.clockOffset ?? 0;
	return {
		accessToken: tokens.accessToken,
		accessExpiresAt: tokens.accessExpiresAt ?? (renewable ? now + UNTOLD_MS : null),
		refreshToken,
		idleRefreshToken: byDevice ? (before.refreshToken ?? before.idleRefreshToken ?? null) : null,
		// An empty scope is none (RFC 6749, section 3.3), and without one nothing has changed (section 5.1).
		scope: tokens.scope || before.scope,
		intent: null,
		status: 'active',
		problem: null,
		lastRefreshedAt: now,
		clockOffset,
		expiry: renewable
			? followExpiry(told(before), endInAnswer(tokens.fields, refreshToken), now, clockOffset)
			: endOfAccess(tokens),
	};
}

/** Access that cannot be renewed ends with its token. */
function endOfAccess({ accessExpiresAt }: Tokens): Expiry {
	return accessExpiresAt === null ? { kind: 'unknown' } : { kind: 'at', at: accessExpiresAt, renews: false };
}

function told({ expiry, lastRefreshedAt, clockOffset = 0 }: Before) {
	return { expiry, toldAt: lastRefreshedAt, clockOffset };
}

/**
 * Asks a server that only tells by introspection, after the tokens are safe. Never throws.
 * @param before the connection as it was when the end was last told
 */
export async function tellEnd(connection: Connection, before: Before = connection): Promise<Connection> {
	const { id, refreshToken, provider, lastRefreshedAt, clockOffset = 0 } = connection;
	if (!refreshToken || !vendorAuth(provider.vendor).introspects) return connection;
	const at = await introspectExpiry(connection, refreshToken, connection.accessToken);
	if (at === null) return connection;
	const expiry = followExpiry(told(before), { at }, lastRefreshedAt, clockOffset);
	const noted = await changeConnection(id, (current) =>
		current.refreshToken === refreshToken ? { ...current, expiry } : undefined,
	).catch(() => undefined);
	return noted ?? connection;
}
