/** The rows of jobs, by themselves. */
import type { JobView } from '../contract.js';
import { BrokerError } from '../errors.js';
import { read, readAll } from '../wallet/rows.js';
import { JOBS, type Job, jobKey } from './job.js';

/** @throws {BrokerError} `job_unknown` */
export async function getJob(id: string): Promise<Job> {
	const row = await read<Job>(jobKey(id));
	if (!row) throw new BrokerError('job_unknown');
	return row.value;
}

export function listJobs(): Promise<Job[]> {
	return readAll<Job>(JOBS);
}

/** The rows beside a job's own, all of them or one source's. */
export function leftovers(id: string, ...source: number[]) {
	return [{ below: ['chunk', id, ...source] as const }, { below: ['part', id, ...source] as const }];
}

/** The job with nothing read of these sources; their leftovers are the caller's to delete, in the same transaction. */
export function startOver(job: Job, indexes: number[]): Job {
	const sources = job.sources.map((source, index) =>
		indexes.includes(index) ? { ...source, collect: null, collected: false, streams: {}, kinds: [] } : source,
	);
	return { ...job, sources };
}

export function viewJob(job: Job): JobView {
	const { id, kind, sid, status, parts, sealed, error, startedAt, finishedAt } = job;
	const sources = job.sources.map(
		({ connectionId, name, from, requests, fetchedAt, step, kinds, resources, bytes, error }) => ({
			connectionId,
			name,
			from,
			asOf: fetchedAt ? Date.parse(fetchedAt) : null,
			requests,
			step,
			kinds,
			resources,
			bytes,
			error,
		}),
	);
	return { id, kind, sid, status, sources, parts, sealed, error, startedAt, finishedAt };
}
