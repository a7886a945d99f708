/** Keeping a copy: turning it on and off, and the readings into it. */
import { type CopyDetail, isOver } from '../contract.js';
import { BrokerError } from '../errors.js';
import { cancelJob } from '../jobs/engine.js';
import { type Job, jobKey } from '../jobs/job.js';
import { makeJob } from '../jobs/start.js';
import { listJobs } from '../jobs/store.js';
import { record } from '../wallet/activity.js';
import { type Connection, changeConnection, connectionKey, getConnection } from '../wallet/connections.js';
import { commit, read, retried } from '../wallet/rows.js';
import { endCopy, getCopy, isKeepOf, viewCopy, viewKinds } from './copy.js';
import { historyOf } from './history.js';

/**
 * On starts the first reading; off deletes the copy, and whatever else is known of how much the connection holds.
 * @throws {BrokerError} `connection_unknown`
 */
export async function setKeep(id: string, on: boolean): Promise<void> {
	let before: Connection | undefined;
	if (on)
		await changeConnection(id, (connection) => {
			before = connection;
			return connection.keep ? undefined : { ...connection, keep: true };
		});
	else before = await endCopy(id);
	if (!before) throw new BrokerError('connection_unknown');
	if ((before.keep ?? false) !== on)
		await record({ what: on ? 'copy_on' : 'copy_off', connectionId: id, providerName: before.provider.name });
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
		return retried(async () => {
			const connection = await read<Connection>(connectionKey(id));
			if (!connection?.value.keep) throw new BrokerError('copy_gone');
			// In one transaction with the choice: a reading that begins after it was taken back would be for nobody.
			const kept = { key: connectionKey(id), expect: connection.revision };
			await commit([{ key: jobKey(job.id), expect: 0, value: job }, kept]);
			return job;
		});
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
