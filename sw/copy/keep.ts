/** Keeping a copy: turning it on and off, and the readings into it. */
import type { CopyDetail } from '../contract.js';
import { BrokerError } from '../errors.js';
import { cancelJob } from '../jobs/engine.js';
import { isOver, type Job, jobKey } from '../jobs/job.js';
import { makeJob } from '../jobs/start.js';
import { listJobs } from '../jobs/store.js';
import { record } from '../wallet/activity.js';
import { type Connection, connectionKey, getConnection } from '../wallet/connections.js';
import { commit, read, retried } from '../wallet/rows.js';
import { forgetCopy, getCopy, isKeepOf, viewCopy, viewKinds } from './copy.js';
import { historyOf } from './history.js';

/**
 * On starts the first reading; off deletes the copy, and whatever else is known of how much the connection holds.
 * @throws {BrokerError} `connection_unknown`
 */
export async function setKeep(id: string, on: boolean): Promise<void> {
	const changed = await retried(async () => {
		const row = await read<Connection>(connectionKey(id));
		if (!row) throw new BrokerError('connection_unknown');
		if ((row.value.keep ?? false) === on) return null;
		const change = { key: connectionKey(id), expect: row.revision, value: { ...row.value, keep: on } };
		await (on ? commit([change]) : forgetCopy(id, [change]));
		return row.value;
	});
	if (changed)
		await record({ what: on ? 'copy_on' : 'copy_off', connectionId: id, providerName: changed.provider.name });
	const connection = on && (await getConnection(id));
	if (connection && !(await getCopy(connection))) await startKeep(id);
}

/**
 * A reading into the copy; the one under way, if there is one.
 * @throws {BrokerError} `connection_unknown`; `copy_gone` where no copy is kept
 */
export async function startKeep(id: string): Promise<Job> {
	return navigator.locks.request(`keep ${id}`, async () => {
		const earlier = (await listJobs()).filter((job) => isKeepOf(job, id));
		const current = earlier.find((job) => !isOver(job));
		if (current) return current;
		for (const job of earlier) await cancelJob(job.id);
		const job = await makeJob(crypto.randomUUID(), 'keep', [id], {}, { sid: null, afterwards: 'keep' });
		if (!(await getConnection(id))?.keep) throw new BrokerError('copy_gone');
		await commit([{ key: jobKey(job.id), expect: 0, value: job }]);
		return job;
	});
}

/** @throws {BrokerError} `connection_unknown` */
export async function copyDetail(id: string): Promise<CopyDetail> {
	const connection = await getConnection(id);
	if (!connection) throw new BrokerError('connection_unknown');
	const copy = await getCopy(connection);
	const { entries } = await historyOf(id);
	return { copy: copy ? viewCopy(copy) : null, kinds: copy ? viewKinds(copy) : [], history: entries };
}
