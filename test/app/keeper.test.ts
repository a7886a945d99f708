import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeeper } from '../../app/keeper.js';
import { BrokerError } from '../../app/rpc.js';
import type { ErrorCode, JobView, Reply } from '../../sw/contract.js';
import { makeJob } from './jobs.js';

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

type Answer = Reply<'job.run'> | ErrorCode;

/** A worker that gives these answers, one a call; afterwards it never answers. */
function setUp(...answers: Answer[]) {
	const published: JobView[] = [];
	const run = vi.fn(async (): Promise<Reply<'job.run'>> => {
		const answer = answers.shift();
		if (answer === undefined) return new Promise(() => undefined);
		if (typeof answer === 'string') throw new BrokerError({ code: answer, correlationId: 'x' });
		return answer;
	});
	const keeper = createKeeper(run, (job) => published.push(job));
	return { run, keeper, published };
}

const more = { job: makeJob(), more: true };
const done = { job: makeJob({ status: 'done' }), more: false };

describe('keeping a job going', () => {
	it('the next slice is asked for as soon as one is answered, without a timer', async () => {
		const { run, keeper, published } = setUp(more, more, done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(0);
		expect(run).toHaveBeenCalledTimes(3);
		expect(published.map(({ status }) => status)).toEqual(['running', 'running', 'done']);
	});

	it('a job has one loop, however often it is reported', async () => {
		const { run, keeper } = setUp();
		keeper.keep([makeJob(), makeJob()]);
		keeper.keep([makeJob({ status: 'waiting' })]);
		await vi.advanceTimersByTimeAsync(0);
		expect(run).toHaveBeenCalledTimes(1);
	});

	it('two jobs are kept going beside each other', async () => {
		const { run, keeper } = setUp();
		keeper.keep([makeJob(), makeJob({ id: 'j2' })]);
		expect(run.mock.calls).toEqual([['j1'], ['j2']]);
	});

	it.each(['done', 'failed', 'cancelled'] as const)('a job that is %s is left alone', (status) => {
		const { run, keeper } = setUp();
		keeper.keep([makeJob({ status })]);
		expect(run).not.toHaveBeenCalled();
	});

	it('a finished loop starts again when the job is retried', async () => {
		const { run, keeper } = setUp({ job: makeJob({ status: 'failed' }), more: false }, done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(0);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(0);
		expect(run).toHaveBeenCalledTimes(2);
	});

	it('a waiting job is asked again when its time has come, and not before', async () => {
		const error = { code: 'rate_limited', correlationId: 'x', retryAt: 30_000 } as const;
		const { run, keeper } = setUp({ job: makeJob({ status: 'waiting', error }), more: false }, done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(29_000);
		expect(run).toHaveBeenCalledTimes(1);
		await vi.advanceTimersByTimeAsync(1_000);
		expect(run).toHaveBeenCalledTimes(2);
	});

	it('a waiting job is asked at once when the network is back', async () => {
		const { run, keeper } = setUp({ job: makeJob({ status: 'waiting' }), more: false }, done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(0);
		keeper.wake();
		await vi.advanceTimersByTimeAsync(0);
		expect(run).toHaveBeenCalledTimes(2);
	});

	it('a worker that did not answer is asked again after a pause that grows', async () => {
		const { run, keeper } = setUp('worker_silent', 'worker_silent', 'internal', done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(0);
		expect(run).toHaveBeenCalledTimes(1);
		await vi.advanceTimersByTimeAsync(2_000);
		expect(run).toHaveBeenCalledTimes(2);
		await vi.advanceTimersByTimeAsync(2_000);
		expect(run).toHaveBeenCalledTimes(2);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(run).toHaveBeenCalledTimes(4);
	});

	it.each(['job_unknown', 'version_mismatch'] as const)('after %s the job is not asked for again', async (code) => {
		const { run, keeper } = setUp(code, done);
		keeper.keep([makeJob()]);
		await vi.advanceTimersByTimeAsync(600_000);
		expect(run).toHaveBeenCalledTimes(1);
	});
});
