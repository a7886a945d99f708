/** Rows of jobs as the version before copies wrote them. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { kill, ORIGIN } from '../setup.js';
import { load, runToEnd, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ appOrigins: [ORIGIN], recordBytes: 100_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** Without `from`, `requests`, `mode`, `fhirVersion`, `readings`; kinds are a type, a count and a status. */
function source(fhirBaseUrl: string, change: object = {}) {
	return {
		connectionId: 'harbor',
		name: 'Harbor',
		fhirBaseUrl,
		patient: { id: 'p1' },
		step: 'fetching',
		error: null,
		collect: null,
		collected: false,
		fetchedAt: '',
		streams: {},
		kinds: [{ type: 'Goal', count: 2, status: 'loading' }],
		queries: [],
		resources: 2,
		bytes: 900,
		...change,
	};
}

const row = (sources: object[], change: object = {}) => ({
	id: 'earlier',
	kind: 'collect',
	sid: null,
	status: 'running',
	error: null,
	sources,
	afterwards: 'keep',
	manifest: null,
	delivered: false,
	rests: 0,
	parts: { sealed: 0, sent: 0 },
	sealed: { bytes: 0, sentBytes: 0 },
	startedAt: Date.now(),
	finishedAt: null,
	...change,
});

async function stored(job: object): Promise<void> {
	const { commit } = await import('../../../sw/wallet/rows.js');
	await commit([{ key: ['job', 'earlier'], value: job }]);
}

test('what was under way starts over and comes to its end, with numbers throughout', async () => {
	const { fhirBaseUrl } = await signIn(sandbox, 'harbor');
	await stored(row([source(fhirBaseUrl, { collect: { v: 1, base: fhirBaseUrl, queries: [], toFetch: [] } })]));
	kill();
	const worker = await load();
	const [before] = (await worker.overview()).jobs;
	expect(before!.sources[0]).toMatchObject({ from: 'provider', requests: 0, kinds: [{ bytes: 0, ms: 0, of: null }] });
	const { status, sources } = await runToEnd(worker, 'earlier');
	expect(status).toBe('done');
	expect(sources[0]!.requests).toBeGreaterThan(10);
	expect(sources[0]!.kinds.find(({ type }) => type === 'Patient')).toMatchObject({ count: 1, status: 'ok' });
	expect(JSON.stringify(sources)).not.toMatch(/NaN|undefined/);
});

test('what was over is shown as it was', async () => {
	const { fhirBaseUrl } = await signIn(sandbox, 'harbor');
	const kinds = [{ type: 'Goal', count: 2, status: 'partial' }];
	const queries = [{ query: 'Goal?patient=p1', status: 'failed', count: 2, reason: 'timeout' }];
	await stored(
		row([source(fhirBaseUrl, { step: 'done', collected: true, kinds, queries, fetchedAt: '2026-01-02T03:04:05Z' })], {
			status: 'done',
			finishedAt: Date.now(),
		}),
	);
	const [job] = (await (await load()).overview()).jobs;
	expect(job).toMatchObject({
		status: 'done',
		sources: [{ resources: 2, requests: 0, kinds: [{ count: 2, bytes: 0, keptFrom: null, reasons: ['timeout'] }] }],
	});
});
