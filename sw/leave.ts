/** "Remove" and "Clear All Connections", with everything that was made of what they end. */
import { cancelJob, stopAll } from './jobs/engine.js';
import { listJobs } from './jobs/store.js';
import { forgetReminders } from './reminders.js';
import { waitingGrants } from './wallet/arrival.js';
import { abandonSignIns } from './wallet/connect.js';
import { listConnections } from './wallet/connections.js';
import { destroy } from './wallet/db.js';
import { deviceKey } from './wallet/device.js';
import { removeConnection, revokeGrant, revokeTokens } from './wallet/remove.js';
import { forgetAllUnsaved } from './wallet/unsaved.js';

/**
 * The jobs go first, with the records that they hold: one under way would read on with the access token it knows. The order of
 * locks (job before refresh) is why this is not done inside `removeConnection`.
 */
export async function leaveConnection(id: string): Promise<void> {
	const jobs = await listJobs().catch(() => []);
	const reading = jobs.filter(({ sources }) => sources.some(({ connectionId }) => connectionId === id));
	await Promise.all(reading.map((job) => cancelJob(job.id).catch(() => undefined)));
	await removeConnection(id);
}

/**
 * Everything that this origin keeps but the app itself: connections, sessions, jobs, records in flight, and the key to
 * them. Deleted first, revoked then: what the person asked for must not wait for a provider.
 */
export async function clearEverything(): Promise<void> {
	const connections = await listConnections().catch(() => []);
	const keys = await Promise.all(connections.map(({ id }) => deviceKey(id).catch(() => undefined)));
	const arrived = await waitingGrants().catch(() => []);
	await forgetEverything();
	await Promise.all([
		...connections.map((connection, i) => revokeGrant(connection, keys[i])),
		...arrived.map(({ registration, tokens }) => revokeTokens(registration, tokens)),
	]);
}

/** The same without ending any access: what was moved to another browser lives on there. */
export async function forgetEverything(): Promise<void> {
	stopAll();
	abandonSignIns();
	forgetAllUnsaved();
	await forgetReminders();
	await destroy();
	// What ended meanwhile must not begin a new wallet.
	forgetAllUnsaved();
}
