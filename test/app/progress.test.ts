import { describe, expect, it } from 'vitest';
import {
	jobFraction,
	jobSteps,
	jobTotals,
	keepJobOf,
	kindFraction,
	leftSources,
	slowKinds,
	sortKinds,
	sourceFraction,
	stuckSources,
	unreadKinds,
} from '../../app/progress.js';
import { makeKind as kind, makeJob, makeSource } from './jobs.js';

const states = (job: Parameters<typeof jobSteps>[0]) => jobSteps(job).map(({ name, state }) => `${name} ${state}`);

describe('the steps of a job', () => {
	it('nothing has started at the start', () => {
		expect(states(makeJob({ sources: [makeSource()] }))).toEqual([
			'refreshing todo',
			'fetching todo',
			'encrypting todo',
			'sending todo',
		]);
	});

	it('sending overlaps with fetching, and fetching stays under way while kinds are missing', () => {
		const source = makeSource({
			step: 'sending',
			kinds: [kind('Patient', 'ok', 1), kind('Observation', 'loading', 9)],
		});
		const job = makeJob({ sources: [source], parts: { sealed: 1, sent: 1 } });
		expect(states(job)).toEqual(['refreshing done', 'fetching active', 'encrypting active', 'sending active']);
	});

	it('a step is done only when it is done for every source', () => {
		const job = makeJob({ sources: [makeSource({ step: 'done' }), makeSource({ step: 'refreshing' })] });
		expect(states(job)[0]).toBe('refreshing active');
	});

	it('a source that failed does not hold the others up', () => {
		const job = makeJob({ sources: [makeSource({ step: 'failed' }), makeSource({ step: 'fetching' })] });
		expect(states(job)[0]).toBe('refreshing done');
	});

	it('a job that is done has every step done', () => {
		expect(states(makeJob({ status: 'done' })).every((state) => state.endsWith('done'))).toBe(true);
	});

	it('a failed job shows where it stopped', () => {
		const job = makeJob({ status: 'failed', sources: [makeSource({ step: 'fetching' })] });
		expect(states(job)).toEqual(['refreshing done', 'fetching failed', 'encrypting todo', 'sending todo']);
	});

	it('a job that failed because nothing could be read stopped at fetching, or where the sign-in was renewed', () => {
		const fetching = makeSource({ step: 'failed', kinds: [kind('Patient', 'refused')] });
		expect(states(makeJob({ status: 'failed', sources: [fetching] }))).toEqual([
			'refreshing done',
			'fetching failed',
			'encrypting todo',
			'sending todo',
		]);
		const refreshing = makeSource({ step: 'failed', kinds: [kind('Patient', 'waiting')] });
		expect(states(makeJob({ status: 'failed', sources: [refreshing] }))[0]).toBe('refreshing failed');
	});

	it('collecting has no step that sends', () => {
		expect(jobSteps(makeJob({ kind: 'collect' })).map(({ name }) => name)).not.toContain('sending');
	});
});

describe('how far a job is', () => {
	it('is between nothing and all, and all only when done', () => {
		const kinds = [kind('Patient', 'ok', 1), kind('Observation', 'empty')];
		const all = makeJob({ sources: [makeSource({ step: 'sending', kinds })], sealed: { bytes: 10, sentBytes: 10 } });
		expect(jobFraction(makeJob())).toBe(0);
		expect(jobFraction(makeJob({ sources: [makeSource({ kinds: [kind('Patient', 'waiting')] })] }))).toBe(0);
		expect(jobFraction({ ...all, kind: 'collect' })).toBeLessThan(1);
		expect(jobFraction(makeJob({ status: 'done' }))).toBe(1);
	});
});

describe('the sources that stop a job', () => {
	const error = { code: 'nothing_read', correlationId: '' } as const;
	const good = makeSource({ name: 'Harbor', step: 'sending' });
	const names = (job: Parameters<typeof stuckSources>[0]) => stuckSources(job).map(({ name }) => name);

	it('are those that failed by what the job failed by', () => {
		const failed = makeSource({ name: 'Bayside', step: 'failed', error });
		expect(names(makeJob({ status: 'failed', error, sources: [good, failed] }))).toEqual(['Bayside']);
		const relay = { code: 'too_large', correlationId: '' } as const;
		expect(names(makeJob({ status: 'failed', error: relay, sources: [good, failed] }))).toEqual([]);
	});

	it('are those that a paused job waits for, unless it is this device that is offline', () => {
		const held = makeSource({ name: 'Bayside', step: 'fetching', held: { code: 'network' } });
		const offline = makeSource({ name: 'Bayside', step: 'fetching', held: { code: 'offline' } });
		expect(names(makeJob({ status: 'waiting', sources: [good, held] }))).toEqual(['Bayside']);
		expect(names(makeJob({ status: 'running', sources: [good, held] }))).toEqual([]);
		expect(names(makeJob({ status: 'waiting', sources: [good, offline] }))).toEqual([]);
	});

	it('are none that could be left out where no other is left', () => {
		const failed = makeSource({ step: 'failed', error });
		expect(names(makeJob({ status: 'failed', error, sources: [failed] }))).toEqual([]);
	});

	it('are told once the job is done without them', () => {
		const failed = makeSource({ name: 'Bayside', step: 'failed', error });
		const done = makeSource({ name: 'Harbor', step: 'done' });
		expect(leftSources(makeJob({ status: 'done', sources: [done, failed] }))).toEqual([failed]);
		expect(leftSources(makeJob({ status: 'failed', error, sources: [done, failed] }))).toEqual([]);
	});
});

describe('what could not be read', () => {
	it('failed, refused and partly read kinds are listed; empty ones are not', () => {
		const kinds = (['ok', 'empty', 'failed', 'refused', 'partial'] as const).map((status) => kind(status, status));
		expect(unreadKinds(makeSource({ kinds })).map(({ type }) => type)).toEqual(['failed', 'refused', 'partial']);
	});

	it('what an older reading stands in for is listed, whatever came of it then', () => {
		const kinds = [kind('Goal', 'ok', 3, { keptFrom: 5 }), kind('CarePlan', 'ok', 3)];
		expect(unreadKinds(makeSource({ kinds })).map(({ type }) => type)).toEqual(['Goal']);
	});
});

describe('how far a kind is', () => {
	it('is a share where it is known how much there will be, and never all of it before it is settled', () => {
		expect(kindFraction(kind('Observation', 'loading', 30, { of: 120 }))).toBe(0.25);
		expect(kindFraction(kind('Observation', 'loading', 150, { of: 120 }))).toBeLessThan(1);
		expect(kindFraction(kind('Observation', 'ok', 150, { of: 120 }))).toBe(1);
	});

	it('is not known where nobody knows how much there will be', () => {
		expect(kindFraction(kind('Observation', 'loading', 30))).toBeNull();
		expect(kindFraction(kind('Observation', 'loading', 30, { of: 0 }))).toBeNull();
	});

	it('weighs in its source by what is known to come, without hiding the others', () => {
		const large = kind('Observation', 'loading', 5_000, { of: 10_000 });
		const kinds = [large, kind('Goal', 'empty'), kind('Device', 'waiting')];
		const half = sourceFraction(makeSource({ step: 'fetching', kinds }));
		expect(half).toBeGreaterThan(0.4);
		expect(half).toBeLessThan(0.6);
		const rest = [{ ...large, status: 'ok' as const }, kind('Goal', 'empty'), kind('Device', 'waiting')];
		expect(sourceFraction(makeSource({ step: 'fetching', kinds: rest }))).toBeLessThan(1);
	});
});

describe('what a source shows', () => {
	it('has a row for what came, could not be read or is slow; the rest is folded by whether it is still asked for', () => {
		const kinds = [
			kind('Patient', 'ok', 1),
			kind('Observation', 'loading', 7),
			kind('Condition', 'failed'),
			kind('Coverage', 'refused'),
			kind('DocumentReference', 'loading', 0, { slowSince: 1 }),
			kind('Procedure', 'loading'),
			kind('Device', 'waiting'),
			kind('Goal', 'empty'),
		];
		const { rows, asked, empty } = sortKinds(makeSource({ kinds }));
		expect(rows.map(({ type }) => type)).toEqual([
			'Patient',
			'Observation',
			'Condition',
			'Coverage',
			'DocumentReference',
		]);
		expect({ asked, empty }).toEqual({ asked: ['Procedure', 'Device'], empty: ['Goal'] });
	});

	it('what is slow is listed by how long it has been, and no more once its source is over', () => {
		const slow = (since: number) => [kind('Binary', 'loading', 0, { slowSince: since })];
		const job = makeJob({
			sources: [
				makeSource({ name: 'A', step: 'fetching', kinds: slow(20) }),
				makeSource({ name: 'B', step: 'fetching', kinds: slow(10) }),
				makeSource({ name: 'C', step: 'failed', kinds: slow(5) }),
			],
		});
		expect(slowKinds(job).map(({ source, since }) => [source, since])).toEqual([
			['B', 10],
			['A', 20],
		]);
	});

	it('totals add up over the sources', () => {
		const sources = [
			makeSource({ resources: 2, bytes: 30, requests: 4 }),
			makeSource({ resources: 5, bytes: 70, requests: 6 }),
		];
		expect(jobTotals(makeJob({ sources }))).toEqual({ resources: 7, bytes: 100, requests: 10 });
	});
});

describe('the reading into a copy', () => {
	const keep = makeJob({ id: 'k', kind: 'keep', sources: [makeSource({ connectionId: 'c1' })] });

	it('is found by its connection while it goes on', () => {
		expect(keepJobOf('c1', [makeJob(), keep], {})?.id).toBe('k');
		expect(keepJobOf('c2', [keep], {})).toBeUndefined();
		expect(keepJobOf('c1', [{ ...keep, status: 'failed' }], {})).toBeUndefined();
	});

	it('is over as soon as the page has heard that it is', () => {
		expect(keepJobOf('c1', [keep], { k: { ...keep, status: 'done' } })).toBeUndefined();
	});
});
