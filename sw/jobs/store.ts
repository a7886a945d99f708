/** The rows of jobs, by themselves. */
import type { QueryReport } from '../../relay/contract.js';
import type { JobView, KindProgress } from '../contract.js';
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
	return [
		{ below: ['chunk', id, ...source] as const },
		{ below: ['part', id, ...source] as const },
		{ below: ['index', id, ...source] as const },
	];
}

/** The job with nothing read of these sources; their leftovers are the caller's to delete, in the same transaction. */
export function startOver(job: Job, indexes: number[]): Job {
	const sources = job.sources.map((source, index) =>
		indexes.includes(index)
			? { ...source, collect: null, copied: null, collected: false, streams: {}, kinds: [] }
			: source,
	);
	return { ...job, sources };
}

export function viewJob(job: Job): JobView {
	const { id, kind, sid, status, parts, sealed, error, startedAt, finishedAt } = job;
	const sources = job.sources.map(
		({ connectionId, name, from, requests, fetchedAt, step, kinds, queries, resources, bytes, error }) => ({
			connectionId,
			name,
			from,
			asOf: fetchedAt ? Date.parse(fetchedAt) : null,
			requests,
			step,
			kinds: withReasons(kinds, queries),
			resources,
			bytes,
			error,
		}),
	);
	return { id, kind, sid, status, sources, parts, sealed, error, startedAt, finishedAt };
}

/** Why a kind could not be read is told once its source is read to the end: only then are there reports. */
function withReasons(kinds: KindProgress[], queries: QueryReport[]): KindProgress[] {
	const all = new Map<string, Set<string>>();
	for (const { query, reason } of queries) {
		const type = query.split(/[?/]/)[0] ?? query;
		if (reason) all.set(type, (all.get(type) ?? new Set()).add(reason));
	}
	return kinds.map((kind) => {
		const reasons = all.get(kind.type);
		return reasons && /^(partial|refused|failed)$/.test(kind.status) ? { ...kind, reasons: [...reasons] } : kind;
	});
}
