/** A slice ends when it is to end, whatever went wrong in it. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { loopback, network, ORIGIN } from '../setup.js';
import { load, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ appOrigins: [ORIGIN], recordBytes: 100_000 });
});
afterAll(() => sandbox.close());

test('a source that was stopped waits for what is in flight to the slice’s end, and without running hot', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	const { id } = await worker.startCollect('a', ['harbor']);
	const { SourceRun } = await import('../../../sw/jobs/source.js');
	const { Writer } = await import('../../../sw/jobs/writer.js');
	const { value: job, revision } = await worker.readJob(id);
	const ehr = loopback(sandbox.origin);
	// The first search never comes back, and the second one stops the source.
	let searches = 0;
	network((request: Request) => {
		if (!new URL(request.url).search) return ehr(request);
		searches++;
		if (searches === 1) return new Promise<Response>(() => {});
		return new Response('', { status: 429, headers: { 'Retry-After': '3600' } });
	});
	const run = new SourceRun(job, 0, await Writer.open(job, revision), []);
	const timers = vi.spyOn(globalThis, 'setTimeout');
	const slice = { deadline: Date.now() + 2_500, signal: new AbortController().signal, progress: () => {} };
	const ended = run.run(slice).catch((error) => error);
	const late = new Promise((resolve) => setTimeout(resolve, 6_000, 'late'));
	expect(await Promise.race([ended, late])).toMatchObject({ code: 'rate_limited' });
	expect(timers.mock.calls.filter(([, ms]) => ms === 0)).toEqual([]);
});
