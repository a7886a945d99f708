/** Refreshes whatever is due, in the background. */
import { type Connection, listConnections } from './connections.js';
import { registerDevice } from './device.js';
import { dueConnections, isDue, wantingDevice } from './due.js';
import { freshConnection } from './keeper.js';
import { lockState } from './lock.js';
import { pausedSince } from './pause.js';
import { saveUnsaved } from './unsaved.js';

const AT_ONCE = 3;
/** Not all wallets of a provider's patients are to ask in the same second. */
const JITTER_MS = 400;

let tending: Promise<void> | undefined;

/** A few at a time; failures are noted with the connection. One round at a time in this worker, however many pages ask. */
export function tend(): Promise<void> {
	tending ??= round().finally(() => {
		tending = undefined;
	});
	return tending;
}

async function round(): Promise<void> {
	if ((await lockState()) === 'locked') return;
	await saveUnsaved();
	if (await pausedSince()) return;
	const all = await listConnections();
	const wanting = wantingDevice(all, Date.now(), navigator.onLine);
	const queue = new Set([...dueConnections(all, Date.now(), navigator.onLine), ...wanting]);
	const next = async (): Promise<void> => {
		const [connection] = queue;
		if (!connection) return;
		queue.delete(connection);
		await new Promise((resolve) => setTimeout(resolve, Math.random() * JITTER_MS));
		await work(connection, wanting.includes(connection)).catch(() => undefined);
		await next();
	};
	await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** A client that could not be registered for now is told by the connection, which then rests. */
async function work(connection: Connection, wantsDevice: boolean): Promise<void> {
	const current = wantsDevice ? await registerDevice(connection) : connection;
	if (!current || !isDue(current, Date.now(), navigator.onLine)) return;
	await freshConnection(current.id, { seen: current.lastRefreshedAt });
}
