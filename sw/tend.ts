/** What any page load may set off: refreshing what is due, and forgetting what nobody will look at again. */
import { cancelJob, listJobs } from './jobs/engine.js';
import { isOver } from './jobs/job.js';
import { announce } from './overview.js';
import { forgetOldSessions } from './session/session.js';
import { tend } from './wallet/keeper.js';

/** A finished or failed job is shown for a day. */
const REMEMBER_MS = 24 * 60 * 60_000;

export async function tendAll(): Promise<void> {
	await tend();
	const now = Date.now();
	const gone = new Set(await forgetOldSessions(now));
	const old = (await listJobs()).filter(
		(job) => (job.sid !== null && gone.has(job.sid)) || (isOver(job) && (job.finishedAt ?? 0) + REMEMBER_MS < now),
	);
	for (const { id } of old) await cancelJob(id);
	if (old.length) await announce();
}
