import type { JobView, KindProgress, SourceProgress } from '../../sw/contract.js';

/** A job for tests; `change` says what matters. */
export function makeJob(change: Partial<JobView> = {}): JobView {
	return {
		id: 'j1',
		kind: 'send',
		sid: 's1',
		status: 'running',
		sources: [],
		parts: { sealed: 0, sent: 0 },
		sealed: { bytes: 0, sentBytes: 0 },
		error: null,
		startedAt: 0,
		finishedAt: null,
		...change,
	};
}

export function makeSource(change: Partial<SourceProgress> = {}): SourceProgress {
	return {
		connectionId: 'c1',
		name: 'Lakeside',
		from: 'provider',
		asOf: null,
		requests: 0,
		step: 'waiting',
		held: null,
		kinds: [],
		resources: 0,
		bytes: 0,
		error: null,
		...change,
	};
}

export function makeKind(
	type: string,
	status: KindProgress['status'],
	count = 0,
	change: Partial<KindProgress> = {},
): KindProgress {
	return { type, status, count, of: null, bytes: 0, ms: 0, slowSince: null, keptFrom: null, ...change };
}
