/** Removing a connection: its grant is ended at the provider where that is offered, and it is deleted whatever that answers. */
import type { Registration } from '../smart/client.js';
import type { SigningKey } from '../smart/client-auth.js';
import { revoke } from '../smart/token.js';
import { record } from './activity.js';
import { type Connection, deleteConnection, getConnection, isExpired, ownClient } from './connections.js';
import { deviceKey } from './device.js';
import { locked } from './lease.js';
import { forgetUnsaved, type Held, settle } from './unsaved.js';

/**
 * Ends what a sign-in gave. The refresh token takes its access tokens along (RFC 7009, section 2.1).
 * @returns whether the provider said so, or there was nothing to end
 */
export async function revokeTokens(
	registration: Registration,
	{ refreshToken, accessToken }: Held['tokens'],
): Promise<boolean> {
	if (refreshToken) return revoke(registration, refreshToken, 'refresh_token');
	return !accessToken || revoke(registration, accessToken, 'access_token');
}

/**
 * Never throws, and takes seconds at most. An expired connection is no exception: what it still holds may be good, and asking
 * costs nothing.
 * @param key of this device, read before it was deleted
 * @returns the provider's name where access may go on; empty where it has ended
 */
export async function revokeGrant(connection: Connection, key: SigningKey | undefined): Promise<string[]> {
	const ended = await endGrant(connection, key);
	return ended || isExpired(connection, Date.now()) ? [] : [connection.provider.name];
}

async function endGrant(connection: Connection, key: SigningKey | undefined): Promise<boolean> {
	const { accessToken, idleRefreshToken = null } = connection;
	const refreshToken = connection.refreshToken ?? idleRefreshToken;
	const clientId = ownClient(connection);
	if (!key || clientId === undefined) return revokeTokens(connection, { refreshToken, accessToken });
	const own = { ...connection, clientId };
	const ended = await Promise.all([
		!accessToken || revokeOwn(own, accessToken, key),
		!refreshToken || revoke(connection, refreshToken, 'refresh_token'),
	]);
	return ended.every(Boolean);
}

/** A client whose assertions are grants is a public one to some servers, and those refuse to be shown anything more. */
async function revokeOwn(own: Registration, accessToken: string, key: SigningKey): Promise<boolean> {
	return (await revoke(own, accessToken, 'access_token', key)) || revoke(own, accessToken, 'access_token');
}

/**
 * Under the lock, so that a refresh under way ends first and the token that it brings is the one revoked.
 * @returns as `revokeGrant`
 */
export function removeConnection(id: string): Promise<string[]> {
	return locked(id, async () => {
		await settle(id).catch(() => undefined);
		const connection = await getConnection(id);
		const key = await deviceKey(id).catch(() => undefined);
		await deleteConnection(id);
		const held = forgetUnsaved(id);
		if (!connection) return [];
		await record({ what: 'removed', connectionId: id, providerName: connection.provider.name });
		const ending = revokeGrant(connection, key);
		if (held) await revokeTokens(held.registration, held.tokens);
		return ending;
	});
}
