/** The rows of jobs, by themselves. */
import type { QueryReport } from '../../relay/contract.js';
import { isUnread, type JobView, type KindProgress } from '../contract.js';
import { BrokerError } from '../errors.js';
import { typeOfQuery } from '../fhir/report.js';
import { type Row, read, readAll } from '../wallet/rows.js';
import { JOBS, type Job, jobKey, type Source } from './job.js';

/** @throws {BrokerError} `job_unknown` */
export async function readJob(id: string): Promise<Row<Job>> {
	const row = await read<Job>(jobKey(id));
	if (!row) throw new BrokerError('job_unknown');
	return { ...row, value: wholeJob(row.value) };
}

/** @throws {BrokerError} `job_unknown` */
export async function getJob(id: string): Promise<Job> {
	return (await readJob(id)).value;
}

export async function listJobs(): Promise<Job[]> {
	return (await readAll<Job>(JOBS)).map(wholeJob);
}

/** What a source has as long as nothing of it was read. */
export function unread() {
	return {
		held: null,
		requests: 0,
		mode: 'full' as const,
		fhirVersion: null,
		readings: [],
		collect: null,
		copied: null,
		collected: false,
		fetchedAt: '',
		streams: {},
		kinds: [],
		queries: [],
		resources: 0,
		bytes: 0,
	} satisfies Partial<Source>;
}

const noProgress = { of: null, bytes: 0, ms: 0, slowSince: null, keptFrom: null };

/** A row of an earlier version, which has not all of it, with what is missing. */
export function wholeJob(job: Job): Job {
	const sources = job.sources.map((source) => ({
		...unread(),
		...source,
		from: source.from ?? 'provider',
		kinds: source.kinds.map((kind) => ({ ...noProgress, ...kind })),
	}));
	return { ...job, sealed: job.sealed ?? { bytes: 0, sentBytes: 0 }, sources };
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
	const sources = job.sources.map((source, index) => (indexes.includes(index) ? { ...source, ...unread() } : source));
	return { ...job, sources };
}

export function viewJob(job: Job): JobView {
	const { id, kind, sid, status, parts, sealed, error, startedAt, finishedAt } = job;
	const sources = job.sources.map(
		({ connectionId, name, from, requests, fetchedAt, step, held, kinds, queries, resources, bytes, error }) => ({
			connectionId,
			name,
			from,
			asOf: fetchedAt ? Date.parse(fetchedAt) : null,
			requests,
			step,
			held,
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
	for (const { query, reason, optional } of queries) {
		const type = typeOfQuery(query);
		if (reason && !optional) all.set(type, (all.get(type) ?? new Set()).add(reason));
	}
	return kinds.map((kind) => {
		const reasons = all.get(kind.type);
		return reasons && isUnread(kind) ? { ...kind, reasons: [...reasons] } : kind;
	});
}
