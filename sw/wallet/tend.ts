/** Refreshes whatever is due, in the background. */
import { listConnections } from './connections.js';
import { registerDevice } from './device.js';
import { dueConnections } from './due.js';
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
	for (const wanting of all.filter(({ device }) => device === 'wanted')) {
		await registerDevice(wanting).catch(() => undefined);
	}
	const due = dueConnections(await listConnections(), Date.now(), navigator.onLine);
	const next = async (): Promise<void> => {
		const connection = due.shift();
		if (!connection) return;
		await new Promise((resolve) => setTimeout(resolve, Math.random() * JITTER_MS));
		await freshConnection(connection.id, { seen: connection.lastRefreshedAt }).catch(() => undefined);
		await next();
	};
	await Promise.all(Array.from({ length: AT_ONCE }, next));
}
