/** What a job's numbers mean for its display. Pure. */
import { isUnread, type JobView, type KindProgress, type SourceProgress } from '../sw/contract.js';

export type StepName = 'refreshing' | 'fetching' | 'encrypting' | 'sending';
export type StepState = 'todo' | 'active' | 'done' | 'failed';

const ORDER: SourceProgress['step'][] = ['waiting', 'refreshing', 'fetching', 'encrypting', 'sending', 'done'];

const settled = (kind: KindProgress) => kind.status !== 'waiting' && kind.status !== 'loading';

/**
 * The state of each step over all sources. Steps overlap: parts are sealed and sent while records still come in, so
 * more than one can be under way, and none goes back to "not started".
 */
export function jobSteps(job: JobView): { name: StepName; state: StepState }[] {
	const names: StepName[] =
		job.kind === 'send'
			? ['refreshing', 'fetching', 'encrypting', 'sending']
			: ['refreshing', 'fetching', 'encrypting'];
	// A source that failed does not hold the others up; once the whole job has failed, it shows where.
	const lost = ({ step }: SourceProgress) => step === 'failed' && job.status === 'failed';
	const over = (source: SourceProgress) => source.step === 'done' || (source.step === 'failed' && !lost(source));
	const rank = (source: SourceProgress) => {
		if (!lost(source)) return ORDER.indexOf(source.step);
		return ORDER.indexOf(source.kinds.some(({ status }) => status !== 'waiting') ? 'fetching' : 'refreshing');
	};
	const fetched = (source: SourceProgress) =>
		over(source) || (rank(source) > ORDER.indexOf('fetching') && source.kinds.every(settled));
	const every = (test: (source: SourceProgress) => boolean) => job.sources.length > 0 && job.sources.every(test);
	const some = (test: (source: SourceProgress) => boolean) => job.sources.some(test);

	const done: Record<StepName, boolean> = {
		refreshing: every((s) => over(s) || rank(s) > 1),
		fetching: every(fetched),
		encrypting: every((s) => over(s) || (fetched(s) && s.step === 'sending')),
		sending: false,
	};
	const begun: Record<StepName, boolean> = {
		refreshing: some((s) => s.step !== 'waiting'),
		fetching: some((s) => rank(s) > 1),
		encrypting: job.parts.sealed > 0 || some((s) => rank(s) > 2),
		sending: job.parts.sent > 0 || some((s) => rank(s) > 3),
	};
	const stopped = job.status === 'failed' || job.status === 'cancelled';
	const first = names.find((name) => !done[name]);
	return names.map((name) => {
		if (job.status === 'done' || done[name]) return { name, state: 'done' };
		// What overlaps with the step that failed has not failed itself.
		if (stopped) return { name, state: begun[name] && name === first ? 'failed' : 'todo' };
		return { name, state: begun[name] ? 'active' : 'todo' };
	});
}

/** How far one kind is, from 0 to 1; null where nobody knows how much there will be. Never all before it is settled. */
export function kindFraction(kind: KindProgress): number | null {
	if (settled(kind)) return 1;
	if (kind.status === 'waiting') return 0;
	return kind.of ? Math.min(kind.count / kind.of, 0.98) : null;
}

/** How far a source is, from 0 to 1: by its kinds, each with the weight of what is known to come of it. */
export function sourceFraction({ step, kinds }: SourceProgress): number {
	if (step === 'done' || step === 'failed') return 1;
	let all = 0;
	let read = 0;
	for (const kind of kinds) {
		// The root, so that ten thousand results do not hide that ten other kinds are still missing.
		const weight = 1 + Math.sqrt(kind.of ?? 0);
		all += weight;
		read += weight * (kindFraction(kind) ?? 0);
	}
	return all ? read / all : 0;
}

/** How far the job is, from 0 to 1, by what is read and the octets that are sent: an estimate. */
export function jobFraction(job: JobView): number {
	if (job.status === 'done') return 1;
	if (!job.sources.length) return 0;
	const read = job.sources.reduce((sum, source) => sum + sourceFraction(source), 0) / job.sources.length;
	const sent = job.sealed.bytes ? job.sealed.sentBytes / job.sealed.bytes : 0;
	return job.kind === 'send' ? 0.85 * read + 0.15 * sent * read : 0.98 * read;
}

export function jobTotals(job: JobView): { resources: number; bytes: number; requests: number } {
	const sum = (of: 'resources' | 'bytes' | 'requests') => job.sources.reduce((total, source) => total + source[of], 0);
	return { resources: sum('resources'), bytes: sum('bytes'), requests: sum('requests') };
}

/** What a request has been out for unusually long, the longest first. */
export function slowKinds(job: JobView): { source: string; type: string; since: number }[] {
	return job.sources
		.filter(({ step }) => step !== 'done' && step !== 'failed')
		.flatMap(({ name, kinds }) =>
			kinds.flatMap(({ type, slowSince }) => (slowSince === null ? [] : [{ source: name, type, since: slowSince }])),
		)
		.sort((a, b) => a.since - b.since);
}

/**
 * The sources that keep the job from going on; empty where it is not about one of them, or where there is no other that it
 * could go on with.
 */
export function stuckSources(job: JobView): SourceProgress[] {
	const stuck = job.sources.filter(({ step, held, error }) =>
		job.status === 'failed'
			? step === 'failed' && error?.code === job.error?.code
			: job.status === 'waiting' && held !== null && held.code !== 'offline',
	);
	return stuck.length < job.sources.length ? stuck : [];
}

/** The sources that a finished job went on without. */
export function leftSources(job: JobView): SourceProgress[] {
	return job.status === 'done' ? job.sources.filter(({ step }) => step === 'failed') : [];
}

/** The kinds that could not be read, or only in part. An unread kind is never the same as an empty one. */
export function unreadKinds(source: SourceProgress): KindProgress[] {
	return source.kinds.filter(isUnread);
}

/**
 * The kinds of a source as they are shown: a row for what came or could not be read, and one line each for what is still
 * asked for and for what is empty. A row that is there stays.
 */
export function sortKinds(source: SourceProgress): { rows: KindProgress[]; asked: string[]; empty: string[] } {
	const rows = source.kinds.filter((kind) => kind.count > 0 || isUnread(kind) || kind.slowSince !== null);
	const rest = source.kinds.filter((kind) => !rows.includes(kind));
	const types = (kinds: KindProgress[]) => kinds.map(({ type }) => type);
	return {
		rows,
		asked: types(rest.filter((kind) => !settled(kind))),
		empty: types(rest.filter(({ status }) => status === 'empty')),
	};
}

/** The reading into the copy of a connection that is under way. */
export function keepJobOf(
	connectionId: string,
	listed: JobView[],
	newest: Record<string, JobView>,
): JobView | undefined {
	return listed
		.map((job) => newest[job.id] ?? job)
		.find(
			({ kind, status, sources }) =>
				kind === 'keep' &&
				(status === 'running' || status === 'waiting') &&
				sources.some((source) => source.connectionId === connectionId),
		);
}
