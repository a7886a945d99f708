/** "Remove" and "Clear All Connections", with everything that was made of what they end. */
import { endCopy } from './copy/copy.js';
import { cancelJob, stopAll } from './jobs/engine.js';
import { forgetAccess } from './jobs/fetch.js';
import { listJobs } from './jobs/store.js';
import { forgetReminders } from './reminders.js';
import { waitingGrants } from './wallet/arrival.js';
import { listConnections } from './wallet/connections.js';
import { destroy, endEra } from './wallet/db.js';
import { deviceKey } from './wallet/device.js';
import { removeConnection, revokeGrant, revokeTokens } from './wallet/remove.js';
import { forgetAllUnsaved, type Held } from './wallet/unsaved.js';

/**
 * The jobs go first, with the records that they hold: one under way would read on with the access token it knows. The order of
 * locks (job before refresh) is why this is not done inside `removeConnection`.
 */
export async function leaveConnection(id: string): Promise<string[]> {
	await endJobs(id);
	await endCopy(id);
	const open = await removeConnection(id);
	// What another tab began while the connection waited to be removed.
	await endJobs(id);
	forgetAccess();
	return open;
}

async function endJobs(connectionId: string): Promise<void> {
	const jobs = await listJobs().catch(() => []);
	const reading = jobs.filter(({ sources }) => sources.some((source) => source.connectionId === connectionId));
	await Promise.all(reading.map((job) => cancelJob(job.id).catch(() => undefined)));
}

/**
 * Everything that this origin keeps but the app itself: connections, sessions, jobs, records in flight, and the key to
 * them. Deleted first, revoked then: what the person asked for must not wait for a provider.
 * @returns names of the providers where access may go on
 */
export async function clearEverything(): Promise<string[]> {
	// First, so that nothing comes about that is not in these lists.
	endEra();
	const connections = await listConnections().catch(() => []);
	const keys = await Promise.all(connections.map(({ id }) => deviceKey(id).catch(() => undefined)));
	const arrived = await waitingGrants().catch(() => []);
	// What is in memory alone is ended besides what it took the place of: the disk may not be there to tell which is newer.
	const unsaved = await forgetEverything();
	const ending = Promise.all(connections.map((connection, i) => revokeGrant(connection, keys[i])));
	await Promise.all([...arrived, ...unsaved].map(({ registration, tokens }) => revokeTokens(registration, tokens)));
	return [...new Set((await ending).flat())];
}

/**
 * The same without ending any access: what was moved to another browser lives on there.
 * @returns access that was in memory alone
 */
export async function forgetEverything(): Promise<Held[]> {
	stopAll();
	endEra();
	const unsaved = forgetAllUnsaved();
	await forgetReminders();
	await destroy();
	// What ended meanwhile must not begin a new wallet.
	return [...unsaved, ...forgetAllUnsaved()];
}
