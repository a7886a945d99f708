/** Deletes what no job and no copy refers to any more, and copies that nobody keeps. */
import { JOBS } from '../jobs/job.js';
import { listJobs } from '../jobs/store.js';
import { listConnections } from '../wallet/connections.js';
import { keysBelow, type RowKey } from '../wallet/db.js';
import { commit } from '../wallet/rows.js';
import { COPIES, copyKey, endCopy, listCopies, placesOf } from './copy.js';

/**
 * The order matters: rows come before what belongs to them, a finished job's parts pass to the copy in one transaction, and whoever reads
 * a copy notes that in its job's row first and then looks whether it is still the copy.
 */
export async function sweep(): Promise<void> {
	await sweepCopies();
	const found = (await Promise.all([keysBelow(['part']), keysBelow(['index'])])).flat();
	const jobs = new Set((await keysBelow(JOBS)).map(([, id]) => id));
	const left = new Map<string, RowKey>();
	for (const [kind, job = '', source = 0, stream = ''] of found) {
		const place: RowKey = [kind, job, source, stream];
		if (!jobs.has(job)) left.set(JSON.stringify(place), place);
	}
	if (left.size === 0) return;
	const copies = await listCopies();
	const read = (await listJobs()).flatMap(({ sources }) => sources.flatMap(({ copied }) => copied?.copy ?? []));
	for (const copy of [...copies, ...read]) for (const place of placesOf(copy)) left.delete(JSON.stringify(place));
	await commit([...left.values()].map((below) => ({ below })));
}

/** Of connections that are gone or do not keep one, and those that cannot be opened: the next reading makes another. */
async function sweepCopies(): Promise<void> {
	const ids = (await keysBelow(COPIES)).map(([, id]) => String(id));
	if (ids.length === 0) return;
	const kept = new Set((await listConnections()).flatMap(({ id, keep }) => (keep ? id : [])));
	const open = new Set((await listCopies()).map(({ connectionId }) => connectionId));
	for (const id of ids) {
		if (!kept.has(id)) await endCopy(id, true);
		else if (!open.has(id)) await commit([{ key: copyKey(id), remove: true }]);
	}
}
