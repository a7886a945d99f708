/**
 * Runs jobs in slices. A slice is one event's worth of work (at most about 20 s, inside `waitUntil`); the page asks for the
 * next. Everything in memory here is a cache of the job's rows: after a worker's death the next slice opens them again.
 */
import { isOver, type JobView } from '../contract.js';
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { STATE_VERSION } from '../fhir/state.js';
import { ended, getSession, type Session, sessionKey, settleConnections } from '../session/session.js';
import { lockState } from '../wallet/lock.js';
import { Conflict, commit, type Row, readRaw, update } from '../wallet/rows.js';
import { onDropKeys } from '../wallet/vault.js';
import { adopt } from './adopt.js';
import { CopiedRun } from './copied.js';
import { forgetAccess } from './fetch.js';
import { type Job, jobKey, type Slice, type Source, type SourceReader } from './job.js';
import { noteJob } from './note.js';
import { checkRoom } from './room.js';
import { makeManifest, Sender, sendManifest } from './send.js';
import { SourceRun } from './source.js';
import { getJob, leftovers, readJob, startOver, viewJob, wholeJob } from './store.js';
import { Writer } from './writer.js';

const SLICE_MS = 20_000;
const PROGRESS_MS = 250;
/** How long a job rests when something stopped it that passes by itself: doubling, up to five minutes. */
const REST_MS = 5_000;
const LONGEST_REST_MS = 5 * 60_000;
const MOST_IDLE_SLICES = 100;

/** A job as this worker has it in memory. */
interface Run {
	job: Job;
	writer: Writer;
	sources: SourceReader[];
	session: Session | null;
	sender: Sender | null;
	/** Aborted when the job is cancelled. */
	stop: AbortController;
}

interface SliceResult {
	job: JobView;
	more: boolean;
}

const runs = new Map<string, Run>();
const slices = new Map<string, Promise<SliceResult>>();

let progressed: (job: JobView) => void = () => {};

/** Whom to tell how a job gets on. */
export function onJobProgress(listener: (job: JobView) => void): void {
	progressed = listener;
}

/** Runs one slice, or joins the one that runs. @throws {BrokerError} `job_unknown` */
export function runSlice(id: string): Promise<SliceResult> {
	let slice = slices.get(id);
	if (!slice) {
		slice = locked(id, () => runOnce(id))
			.then(async (result) => {
				await noteJob(result.job);
				return result;
			})
			.finally(() => slices.delete(id));
		slices.set(id, slice);
	}
	return slice;
}

/** The lock is for the other worker: during an update the waiting and the active version both get messages. */
function locked<T>(id: string, work: () => Promise<T>): Promise<T> {
	return navigator.locks.request(`job ${id}`, { signal: AbortSignal.timeout(SLICE_MS * 2) }, work);
}

async function runOnce(id: string): Promise<SliceResult> {
	const row = await readJob(id);
	if (isOver(row.value) || isResting(row.value)) return { job: viewJob(row.value), more: false };
	let run: Run | undefined;
	try {
		run = await openRun(row);
		return await runOpened(run);
	} catch (error) {
		const cancelled = run?.stop.signal.aborted;
		// Memory and disk may differ now: only the disk counts.
		forget(id);
		// Nothing can be noted then either: the job goes on from its row once the wallet is opened.
		if (cancelled && (await lockState()) === 'locked') throw new BrokerError('locked');
		if (run && cancelled) return { job: viewJob({ ...run.job, status: 'cancelled' }), more: false };
		return noteFailure(id, error);
	}
}

/** Ends what a run has in flight, which may be more than a slice waits for. */
function forget(id: string): void {
	runs.get(id)?.stop.abort();
	runs.delete(id);
}

/** Waiting for a moment that somebody named. Being offline ends when it ends. */
function isResting({ status, error }: Job): boolean {
	return status === 'waiting' && error?.code !== 'offline' && (error?.retryAt ?? 0) > Date.now();
}

async function openRun(row: Row<Job>): Promise<Run> {
	const known = runs.get(row.value.id);
	if (known && known.writer.revision === row.revision) return known;
	forget(row.value.id);
	const { job, revision } = await current(row);
	const session = job.sid ? await sessionOf(job.sid) : null;
	const writer = await Writer.open(job, revision);
	const wants = session?.request?.wants ?? [];
	const sources = job.sources.map(({ from }, index) => {
		const Reader = from === 'copy' ? CopiedRun : SourceRun;
		return new Reader(job, index, writer, wants);
	});
	const sender = session && new Sender(session, writer);
	const run = { job, writer, sources, session, sender, stop: new AbortController() };
	runs.set(job.id, run);
	return run;
}

async function sessionOf(sid: string): Promise<Session> {
	return getSession(sid).catch((error) => {
		// Its row is only ever deleted long after its end.
		throw asBrokerError(error).code === 'session_not_found' ? new BrokerError('session_gone') : error;
	});
}

/** A job as this version of the worker can go on with it: what an older one read in another way is read again. */
async function current({ value: job, revision }: Row<Job>): Promise<{ job: Job; revision: number }> {
	const old = job.sources.flatMap(({ collect }, index) => (collect && collect.v !== STATE_VERSION ? [index] : []));
	if (!old.length) return { job, revision };
	const again = startOver(job, old);
	const changes = [
		{ key: jobKey(job.id), expect: revision, value: again },
		...old.flatMap((index) => leftovers(job.id, index)),
	];
	const [next = 0] = await commit(changes);
	return { job: again, revision: next };
}

async function runOpened(run: Run): Promise<SliceResult> {
	const { job, writer, stop } = run;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const tell = () => {
		clearTimeout(timer);
		timer = undefined;
		look(run);
		progressed(viewJob(job));
	};
	// Told a little later rather than not at all: what comes next may take long.
	const progress = () => {
		if (!over) timer ??= setTimeout(tell, PROGRESS_MS);
	};
	job.status = 'running';
	job.error = null;
	const before = achieved(job, writer);
	job.rests++;
	let done = false;
	let over = false;
	try {
		done = await work(run, { deadline: Date.now() + SLICE_MS, signal: stop.signal, progress });
	} catch (error) {
		if (stop.signal.aborted) throw error;
		stopFor(job, asBrokerError(error));
	} finally {
		over = true;
		clearTimeout(timer);
	}
	look(run);
	if (achieved(job, writer) > before) job.rests = 0;
	// A job that neither gets on nor stops would be echoed for ever.
	if (!done && run.job.status === 'running' && job.rests > MOST_IDLE_SLICES) stopFor(job, new BrokerError('internal'));
	// What is with the agent is done, whatever was asked for meanwhile.
	if (done) await finish(run);
	else if (stop.signal.aborted) throw new BrokerError('job_unknown');
	else if (run.session && ENDED.has(run.job.error?.code ?? '')) await giveUp(run.job, run.session);
	else await writer.checkpoint();
	if (isOver(job)) forget(job.id);
	tell();
	const view = viewJob(job);
	return { job: view, more: view.status === 'running' };
}

/** A number that grows with whatever a job gets done. */
function achieved(job: Job, { parts }: Writer): number {
	return (
		job.sources.reduce((sum, { bytes }) => sum + bytes, 0) + parts.length + parts.filter(({ sent }) => sent).length
	);
}

/** @returns whether everything is read and, for a session, sent */
async function work(run: Run, slice: Slice): Promise<boolean> {
	const { job, writer, session, sender } = run;
	if (job.delivered) return true;
	if (session && !job.manifest && session.expiresAt <= Date.now()) throw new BrokerError('session_gone');
	if (job.kind === 'keep') await checkRoom();
	sender?.begin(slice);
	const results = await Promise.allSettled(run.sources.map((source) => source.run(slice)));
	await sender?.flush(slice);
	const failures = results.flatMap((result) => (result.status === 'rejected' ? asBrokerError(result.reason) : []));
	// What does not pass by itself is what the person must hear of.
	const failure = failures.find(({ code }) => !isTransient(code)) ?? failures[0];
	if (failure) throw failure;
	if (slice.signal.aborted || !job.sources.every(({ collected }) => collected)) return false;
	if (job.kind === 'keep') return adopt(job, writer, slice);
	if (!session) return true;
	if (!writer.parts.every(({ sent }) => sent)) return false;
	await deliver(job, session, writer);
	return true;
}

/** The last step, and what a death in the middle of it means. */
async function deliver(job: Job, session: Session, writer: Writer): Promise<void> {
	const repeated = job.manifest !== null;
	if (job.manifest === null) {
		job.manifest = await makeManifest(job, session, writer.parts);
		// On disk before it is sent: the relay takes the same octets twice, but not others.
		await writer.checkpoint();
	}
	try {
		await sendManifest(session, job.manifest);
	} catch (error) {
		// The agent ends a session once it has everything; a relay also forgets one. From here they look alike.
		const lost = repeated && ENDED.has(asBrokerError(error).code);
		throw lost ? new BrokerError('delivery_unknown', { cause: error }) : error;
	}
	job.delivered = true;
	await writer.checkpoint();
}

/** Nothing can be sent to such a session any more. */
const ENDED = new Set<string>(['session_gone', 'session_not_found', 'already_sent', 'delivery_unknown']);

/** A job that something stopped: for good, or until it passes. */
function stopFor(job: Job, error: BrokerError): void {
	if (isTransient(error.code)) {
		const rest = Math.min(REST_MS * 2 ** Math.max(0, job.rests - 1), LONGEST_REST_MS) * (0.75 + Math.random() / 2);
		job.status = 'waiting';
		job.error = { ...toWire(error), retryAt: error.retryAt ?? Math.round(Date.now() + rest) };
	} else {
		job.status = 'failed';
		job.error = toWire(error);
		job.finishedAt = Date.now();
	}
}

/** After a failure that left memory and disk apart: the row as it stands, and whether to go on from it. */
async function noteFailure(id: string, error: unknown): Promise<SliceResult> {
	// Another worker wrote the row first: its state is as good as ours.
	if (error instanceof Conflict) {
		const view = viewJob(await getJob(id));
		return { job: view, more: view.status === 'running' };
	}
	let failed: Job | undefined;
	const fail = (stored: Job) => {
		const last = wholeJob(stored);
		stopFor(last, asBrokerError(error));
		failed = last;
		return last;
	};
	await update<Job>(jobKey(id), fail).catch(() => undefined);
	// A disk that takes no failure either still has the job to show.
	if (!failed) fail(await getJob(id));
	if (!failed) throw error;
	const view = viewJob(failed);
	progressed(view);
	return { job: view, more: false };
}

/**
 * A finished job keeps what its page shows; what a download is made of stays until it is deleted. Whatever is to happen
 * after a send happens before the job is over, so that a worker's death in between does not skip it.
 */
async function finish({ job, session, writer }: Run): Promise<void> {
	if (session) await settleConnections(session.sid, job.afterwards);
	job.status = 'done';
	job.finishedAt = Date.now();
	for (const source of job.sources) if (!source.left) source.step = 'done';
	// Its row went when its parts became the copy's.
	if (job.kind === 'keep') return;
	if (!session) return writer.checkpoint();
	await close(job, await getSession(session.sid), 'sent');
}

/** A job whose session has ended keeps nothing of what it read. */
async function giveUp(job: Job, session: Session): Promise<void> {
	await close(job, await getSession(session.sid), 'gone');
}

async function close(job: Job, session: Session, state: 'sent' | 'gone'): Promise<void> {
	const sources = job.sources.map((source) => ({ ...source, collect: null, streams: {} }));
	await commit([
		{ key: jobKey(job.id), value: { ...job, manifest: null, sources } },
		...leftovers(job.id),
		{ key: sessionKey(session.sid), value: ended(session, state) },
	]);
}

/** Nothing was read, or what was read from is not there any more. */
const STARTS_OVER = new Set<string>(['nothing_read', 'copy_gone']);

/**
 * A failed job goes on where it stopped; a source of which nothing could be read starts over.
 * @param without connections that it goes on without, from a pause too: of these a source stays as far as it is sealed
 * @throws {BrokerError} `job_unknown`; `nothing_selected` where no other connection is left
 */
export async function retryJob(id: string, without: readonly string[] = []): Promise<JobView> {
	return locked(id, async () => {
		forget(id);
		const job = await getJob(id);
		if (job.status !== 'failed' && !(job.status === 'waiting' && without.length > 0)) return viewJob(job);
		const leaves = ({ connectionId, collected }: Source) => !collected && without.includes(connectionId);
		if (job.sources.every((source) => source.left || leaves(source))) throw new BrokerError('nothing_selected');
		const isSealed = ({ streams }: Source) => Object.values(streams).some(({ parts }) => parts > 0);
		const empty = job.sources.flatMap((source, index) => {
			const over = STARTS_OVER.has(source.error?.code ?? '');
			return !source.left && (over || (leaves(source) && !isSealed(source))) ? [index] : [];
		});
		const sources = startOver(job, empty).sources.map((source, index): Source => {
			if (leaves(job.sources[index]!)) {
				const error = source.error ?? job.error;
				return { ...source, error, step: 'failed', left: true, collected: empty.includes(index) };
			}
			return source.error && !source.left ? { ...source, error: null, step: 'waiting' } : source;
		});
		const again: Job = { ...job, status: 'running', error: null, finishedAt: null, rests: 0, sources };
		await commit([{ key: jobKey(id), value: again }, ...empty.flatMap((index) => leftovers(id, index))]);
		return viewJob(again);
	});
}

/** Stops it and deletes what it had read. What is with the agent already stays as it is. */
export async function cancelJob(id: string): Promise<void> {
	runs.get(id)?.stop.abort();
	await locked(id, async () => {
		forget(id);
		// What lies under its id without a row is a copy's.
		if (!(await readRaw(jobKey(id)))) return;
		await commit([{ key: jobKey(id), remove: true }, ...leftovers(id)]);
	});
}

/** Ends what runs and forgets every job in memory: when their rows are gone, or are locked away. */
export function stopAll(): void {
	for (const run of runs.values()) run.stop.abort();
	runs.clear();
	forgetAccess();
}

onDropKeys(stopAll);

/** Brings what the page is shown up to this moment. */
function look({ job, sources, writer: { parts } }: Run): void {
	for (const source of sources) source.tally?.();
	const sent = parts.filter((part) => part.sent);
	const octets = (some: typeof parts) => some.reduce((sum, { size }) => sum + size, 0);
	job.parts = { sealed: parts.length, sent: sent.length };
	job.sealed = { bytes: octets(parts), sentBytes: octets(sent) };
}
