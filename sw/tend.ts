/** What any page load may set off: refreshing what is due, reading names that are missing, and tidying up. */
import { forgetOldAnswers } from './callback.js';
import { isOver } from './contract.js';
import { startDue } from './copy/schedule.js';
import { sweep } from './copy/sweep.js';
import { cancelJob } from './jobs/engine.js';
import { listJobs } from './jobs/store.js';
import { announce } from './overview.js';
import { settleOldSessions } from './session/session.js';
import { settleOldArrivals } from './wallet/arrival.js';
import { isExpired, listConnections } from './wallet/connections.js';
import { lockState } from './wallet/lock.js';
import { readPatient } from './wallet/patient.js';
import { tend } from './wallet/tend.js';

/** A finished or failed job is shown for a day. */
const REMEMBER_MS = 24 * 60 * 60_000;

/** In a locked wallet next to nothing: its rows cannot be read. */
export async function tendAll(): Promise<void> {
	await forgetOldAnswers();
	if ((await lockState()) === 'locked') return;
	await tend();
	const now = Date.now();
	const nameless = (await listConnections()).filter((one) => one.patient === null && !isExpired(one, now));
	for (const connection of nameless) await readPatient(connection);
	const gone = await settleOldSessions(now);
	const kept = new Set((await listConnections()).flatMap(({ id, keep }) => (keep ? id : [])));
	const old = (await listJobs()).filter((job) => {
		const finishedLongAgo = isOver(job) && (job.finishedAt ?? 0) + REMEMBER_MS < now;
		if (job.kind === 'keep' && !job.sources.every(({ connectionId }) => kept.has(connectionId))) return true;
		return finishedLongAgo || (job.sid !== null && gone.includes(job.sid));
	});
	for (const { id } of old) await cancelJob(id);
	await settleOldArrivals(now);
	// Neither is to wait for the other to be well again.
	await sweep().catch(() => undefined);
	const started = await startDue(now).catch(() => false);
	if (nameless.length || gone.length || old.length || started) await announce();
}
