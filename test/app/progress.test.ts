import { describe, expect, it } from 'vitest';
import { jobFraction, jobSteps, unreadKinds } from '../../app/progress.js';
import type { KindProgress } from '../../sw/contract.js';
import { makeJob, makeSource } from './jobs.js';

const kind = (type: string, status: KindProgress['status'], count = 0): KindProgress => ({ type, status, count });
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

describe('what could not be read', () => {
	it('failed, refused and partly read kinds are listed; empty ones are not', () => {
		const kinds = (['ok', 'empty', 'failed', 'refused', 'partial'] as const).map((status) => kind(status, status));
		expect(unreadKinds(makeSource({ kinds })).map(({ type }) => type)).toEqual(['failed', 'refused', 'partial']);
	});
});
