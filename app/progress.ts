/** What a job's numbers mean for its display. Pure. */
import type { JobView, KindProgress, SourceProgress } from '../sw/contract.js';

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
	return names.map((name) => {
		if (job.status === 'done' || done[name]) return { name, state: 'done' };
		if (job.status === 'failed' || job.status === 'cancelled') return { name, state: begun[name] ? 'failed' : 'todo' };
		return { name, state: begun[name] ? 'active' : 'todo' };
	});
}

/** How far the job is, from 0 to 1, by the kinds that are settled and the octets that are sent: an estimate. */
export function jobFraction(job: JobView): number {
	if (job.status === 'done') return 1;
	if (!job.sources.length) return 0;
	const read =
		job.sources.reduce((sum, { step, kinds }) => {
			if (step === 'done' || step === 'failed') return sum + 1;
			return sum + (kinds.length ? kinds.filter(settled).length / kinds.length : 0);
		}, 0) / job.sources.length;
	const sent = job.sealed.bytes ? job.sealed.sentBytes / job.sealed.bytes : 0;
	return job.kind === 'send' ? 0.85 * read + 0.15 * sent * read : 0.98 * read;
}

export function jobTotals(job: JobView): { resources: number; bytes: number } {
	return {
		resources: job.sources.reduce((sum, { resources }) => sum + resources, 0),
		bytes: job.sources.reduce((sum, { bytes }) => sum + bytes, 0),
	};
}

/** The kinds that could not be read, or only in part. An unread kind is never the same as an empty one. */
export function unreadKinds(source: SourceProgress): KindProgress[] {
	return source.kinds.filter(({ status }) => status === 'failed' || status === 'refused' || status === 'partial');
}
