/** "Clear All Connections". */
import { stopAll } from './jobs/engine.js';
import { listConnections } from './wallet/connections.js';
import { destroy } from './wallet/db.js';
import { revokeGrant } from './wallet/remove.js';

/**
 * Everything that this origin keeps but the app itself: connections, sessions, jobs, records in flight, and the key to
 * them. Deleted first, revoked then: what the person asked for must not wait for a provider.
 */
export async function clearEverything(): Promise<void> {
	const connections = await listConnections().catch(() => []);
	await forgetEverything();
	await Promise.all(connections.map(revokeGrant));
}

/** The same without ending any access: what was moved to another browser lives on there. */
export async function forgetEverything(): Promise<void> {
	stopAll();
	await destroy();
}
