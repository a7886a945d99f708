/** Removing a connection: its grant is ended at the provider where that is offered, and it is deleted whatever that answers. */
import { revoke } from '../smart/token.js';
import { type Connection, deleteConnection, getConnection } from './connections.js';
import { locked } from './keeper.js';

export async function revokeGrant(connection: Connection): Promise<void> {
	const { status, refreshToken, accessToken } = connection;
	if (status !== 'active') return;
	if (refreshToken) await revoke(connection, refreshToken, 'refresh_token');
	else await revoke(connection, accessToken, 'access_token');
}

/** Under the lock, so that a refresh under way ends first and the token that it brings is the one revoked. */
export async function removeConnection(id: string): Promise<void> {
	await locked(id, async () => {
		const connection = await getConnection(id);
		await deleteConnection(id);
		if (connection) await revokeGrant(connection);
	});
}
