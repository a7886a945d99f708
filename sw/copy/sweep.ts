/** Deletes what no job and no copy refers to any more. */
import { JOBS } from '../jobs/job.js';
import { listJobs } from '../jobs/store.js';
import { keysBelow, type RowKey } from '../wallet/db.js';
import { commit, readAll } from '../wallet/rows.js';
import { COPIES, type Copy, placesOf } from './copy.js';

/**
 * The order matters: rows come before what belongs to them, a finished job's parts pass to the copy in one transaction, and whoever reads
 * a copy notes that in its job's row first and then looks whether it is still the copy.
 */
export async function sweep(): Promise<void> {
	const found = (await Promise.all([keysBelow(['part']), keysBelow(['index'])])).flat();
	const jobs = new Set((await keysBelow(JOBS)).map(([, id]) => id));
	const left = new Map<string, RowKey>();
	for (const [kind, job = '', source = 0, type = ''] of found) {
		const place: RowKey = [kind, job, source, type];
		if (!jobs.has(job)) left.set(JSON.stringify(place), place);
	}
	if (left.size === 0) return;
	const copies = await readAll<Copy>(COPIES);
	const read = (await listJobs()).flatMap(({ sources }) => sources.flatMap(({ copied }) => copied?.copy ?? []));
	for (const copy of [...copies, ...read]) for (const place of placesOf(copy)) left.delete(JSON.stringify(place));
	await commit([...left.values()].map((below) => ({ below })));
}
