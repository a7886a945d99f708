/**
 * Runs jobs in slices. A slice is one event's worth of work (at most about 20 s, inside `waitUntil`); the page asks for the
 * next. Everything in memory here is a cache of the job's rows: after a worker's death the next slice opens them again.
 */
import type { JobView } from '../contract.js';
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { STATE_VERSION } from '../fhir/state.js';
import { ended, getSession, type Session, sessionKey } from '../session/session.js';
import { Conflict, commit, type Row, read, readAll, update } from '../wallet/rows.js';
import { isOver, JOBS, type Job, jobKey } from './job.js';
import { makeManifest, Sender, sendManifest } from './send.js';
import { type Slice, SourceRun } from './source.js';
import { Writer } from './writer.js';

const SLICE_MS = 20_000;
/** How long a job rests when something that passes by itself stopped it and nobody said how long. */
const REST_MS = 5_000;
const PROGRESS_MS = 250;

/** A job as this worker has it in memory. */
interface Run {
	job: Job;
	writer: Writer;
	sources: SourceRun[];
	session: Session | null;
	sender: Sender | null;
	/** Aborted when the job is cancelled. */
	stop: AbortController;
}

const runs = new Map<string, Run>();
const slices = new Map<string, Promise<{ job: JobView; more: boolean }>>();

/** What the engine tells and asks; set once at start. */
interface Hooks {
	progress(job: JobView): void;
	/** The session's data is with the agent: keep or clear what was made for it. */
	sent(session: Session, afterwards: Job['afterwards']): Promise<void>;
}
let hooks: Hooks = { progress: () => {}, sent: async () => {} };

export function setHooks(given: Hooks): void {
	hooks = given;
}

/** Runs one slice, or joins the one that runs. @throws {BrokerError} `job_unknown` */
export function runSlice(id: string): Promise<{ job: JobView; more: boolean }> {
	let slice = slices.get(id);
	if (!slice) {
		// The lock is for the other worker: during an update the waiting and the active version both get messages.
		const options = { signal: AbortSignal.timeout(SLICE_MS * 2) };
		slice = navigator.locks.request(lockName(id), options, () => runOnce(id)).finally(() => slices.delete(id));
		slices.set(id, slice);
	}
	return slice;
}

const lockName = (id: string) => `job ${id}`;

async function runOnce(id: string): Promise<{ job: JobView; more: boolean }> {
	const run = await openRun(id);
	if (!run) {
		const job = await getJob(id);
		return { job: viewJob(job), more: false };
	}
	const { job, writer } = run;
	let told = 0;
	const progress = () => {
		countParts(job, writer);
		if (Date.now() - told < PROGRESS_MS) return;
		told = Date.now();
		hooks.progress(viewJob(job));
	};
	const slice: Slice = { deadline: Date.now() + SLICE_MS, signal: run.stop.signal, progress };
	job.status = 'running';
	job.error = null;
	let done = false;
	try {
		done = await work(run, slice);
	} catch (error) {
		stopFor(job, asBrokerError(error));
	}
	if (run.stop.signal.aborted) {
		runs.delete(id);
		return { job: viewJob({ ...job, status: 'cancelled' }), more: false };
	}
	countParts(job, writer);
	try {
		if (done) await finish(run);
		else await writer.checkpoint();
	} catch (error) {
		// What is in memory could not be written: only the disk counts now.
		runs.delete(id);
		return reopen(id, error);
	}
	if (ENDED.has(run.job.error?.code ?? '')) await commit(leftovers(id));
	if (isOver(job)) runs.delete(id);
	const view = viewJob(job);
	hooks.progress(view);
	return { job: view, more: job.status === 'running' };
}

/** Nothing can be sent to such a session any more, so nothing that was read for it is kept. */
const ENDED = new Set<string>(['session_gone', 'session_not_found', 'already_sent']);

/** After a checkpoint that failed: the row as it stands, and whether to go on from it. */
async function reopen(id: string, error: unknown): Promise<{ job: JobView; more: boolean }> {
	// Another worker wrote the row first: its state is as good as ours.
	const stored =
		error instanceof Conflict
			? await getJob(id)
			: await update<Job>(jobKey(id), (last) => {
					stopFor(last, asBrokerError(error));
					return last;
				}).catch(() => undefined);
	if (!stored) throw error;
	const view = viewJob(stored);
	hooks.progress(view);
	return { job: view, more: view.status === 'running' };
}

async function openRun(id: string): Promise<Run | undefined> {
	const row = await read<Job>(jobKey(id));
	if (!row) throw new BrokerError('job_unknown');
	if (isOver(row.value)) return undefined;
	const known = runs.get(id);
	if (known && known.writer.revision === row.revision) return known;
	const { job, revision } = await current(row);
	const writer = await Writer.open(job, revision);
	const session = job.sid ? await getSession(job.sid) : null;
	const wants = { types: session?.request?.wants ?? [] };
	const sources = job.sources.map((_, index) => new SourceRun(job, index, writer, wants));
	const sender = session && new Sender(session, writer);
	const run = { job, writer, sources, session, sender, stop: new AbortController() };
	runs.set(id, run);
	return run;
}

/** A job as this version of the worker can go on with it: what an older one read in another way is read again. */
async function current({ value: job, revision }: Row<Job>): Promise<{ job: Job; revision: number }> {
	const old = job.sources.flatMap(({ collect }, index) => (collect && collect.v !== STATE_VERSION ? [index] : []));
	if (!old.length) return { job, revision };
	const again = startOver(job, old);
	const changes = [
		{ key: jobKey(job.id), expect: revision, value: again },
		...old.flatMap((i) => leftovers(job.id, i)),
	];
	const [next = 0] = await commit(changes);
	return { job: again, revision: next };
}

/** @returns whether everything is read and, for a session, sent */
async function work(run: Run, slice: Slice): Promise<boolean> {
	const { job, writer, session, sender } = run;
	if (session && session.expiresAt <= Date.now()) throw new BrokerError('session_gone');
	if (sender) {
		writer.onParts = () => sender.kick(slice);
		sender.kick(slice);
	}
	const results = await Promise.allSettled(run.sources.map((source) => source.run(slice)));
	await sender?.flush(slice);
	const failures = results.flatMap((result) => (result.status === 'rejected' ? asBrokerError(result.reason) : []));
	// What does not pass by itself is what the person must hear of.
	const failure = failures.find(({ code }) => !isTransient(code)) ?? failures[0];
	if (failure) throw failure;
	if (slice.signal.aborted || !job.sources.every(({ collected }) => collected)) return false;
	if (!session) return true;
	if (!writer.parts.every(({ sent }) => sent)) return false;
	if (!job.manifest) {
		job.manifest = await makeManifest(job, session, writer.parts);
		// On disk before it is sent: the relay takes the same octets twice, but not others.
		await writer.checkpoint();
	}
	await sendManifest(session, job.manifest);
	return true;
}

/** A job that something stopped: for good, or until it passes. */
function stopFor(job: Job, error: BrokerError): void {
	const passes = isTransient(error.code);
	job.status = passes ? 'waiting' : 'failed';
	job.error = passes ? { ...toWire(error), retryAt: error.retryAt ?? Date.now() + REST_MS } : toWire(error);
	if (!passes) job.finishedAt = Date.now();
}

/**
 * A finished job keeps what its page shows; what a download is made of stays until it is deleted. Whatever is to happen
 * after a send happens before the job is over, so that a worker's death in between does not skip it: the next slice sends
 * the same manifest again, which the relay takes, and comes here again.
 */
async function finish({ job, session, writer }: Run): Promise<void> {
	if (session) await hooks.sent(session, job.afterwards);
	job.status = 'done';
	job.finishedAt = Date.now();
	for (const source of job.sources) source.step = 'done';
	if (!session) return writer.checkpoint();
	const slim: Job = { ...job, manifest: null, sources: job.sources.map((source) => ({ ...source, streams: {} })) };
	await commit([
		{ key: jobKey(job.id), value: slim },
		...leftovers(job.id),
		{ key: sessionKey(session.sid), value: ended(await getSession(session.sid), 'sent') },
	]);
}

/** The rows beside a job's own, all of them or one source's. */
function leftovers(id: string, ...source: number[]) {
	return [{ below: ['chunk', id, ...source] as const }, { below: ['part', id, ...source] as const }];
}

/** The job with nothing read of these sources; their rows are the caller's to delete, in the same transaction. */
function startOver(job: Job, indexes: number[]): Job {
	const sources = job.sources.map((source, index) =>
		indexes.includes(index) ? { ...source, collect: null, collected: false, streams: {}, kinds: [] } : source,
	);
	return { ...job, sources };
}

// --- starting and stopping --------------------------------------------------------------------------------------

export async function addJob(job: Job): Promise<void> {
	await commit([{ key: jobKey(job.id), expect: 0, value: job }]);
}

/** @throws {BrokerError} `job_unknown` */
export async function getJob(id: string): Promise<Job> {
	const row = await read<Job>(jobKey(id));
	if (!row) throw new BrokerError('job_unknown');
	return row.value;
}

export function listJobs(): Promise<Job[]> {
	return readAll<Job>(JOBS);
}

/** A failed job goes on where it stopped; a source of which nothing could be read starts over. */
export async function retryJob(id: string): Promise<JobView> {
	return navigator.locks.request(lockName(id), { signal: AbortSignal.timeout(SLICE_MS * 2) }, async () => {
		runs.delete(id);
		const job = await getJob(id);
		if (job.status !== 'failed') return viewJob(job);
		const empty: number[] = [];
		const sources = job.sources.map((source, index) => {
			if (!source.error) return source;
			if (source.error.code === 'nothing_read') empty.push(index);
			return { ...source, error: null, step: 'waiting' as const };
		});
		const again: Job = { ...job, status: 'running', error: null, finishedAt: null, sources };
		await commit([
			{ key: jobKey(id), value: startOver(again, empty) },
			...empty.flatMap((index) => leftovers(id, index)),
		]);
		return viewJob(again);
	});
}

/** Stops it and deletes what it had read. */
export async function cancelJob(id: string): Promise<void> {
	runs.get(id)?.stop.abort();
	await navigator.locks.request(lockName(id), { signal: AbortSignal.timeout(SLICE_MS * 4) }, async () => {
		runs.delete(id);
		await commit([{ key: jobKey(id), remove: true }, ...leftovers(id)]);
	});
}

/** Forgets every job in memory, when their rows are gone. */
export function stopAll(): void {
	for (const run of runs.values()) run.stop.abort();
	runs.clear();
}

// --- the view ---------------------------------------------------------------------------------------------------

function countParts(job: Job, { parts }: Writer): void {
	const sent = parts.filter((part) => part.sent);
	const octets = (some: typeof parts) => some.reduce((sum, { size }) => sum + size, 0);
	job.parts = { sealed: parts.length, sent: sent.length };
	job.sealed = { bytes: octets(parts), sentBytes: octets(sent) };
}

export function viewJob(job: Job): JobView {
	const { id, kind, sid, status, parts, sealed, error, startedAt, finishedAt } = job;
	const sources = job.sources.map(({ connectionId, name, step, kinds, resources, bytes, error }) => ({
		connectionId,
		name,
		step,
		kinds,
		resources,
		bytes,
		error,
	}));
	return { id, kind, sid, status, sources, parts, sealed, error, startedAt, finishedAt };
}
