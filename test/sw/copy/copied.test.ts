import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { runToEnd, session } from '../jobs/world.js';
import { kill, killAfter, ORIGIN, sent } from '../setup.js';
import { keep, linesOfCopy, load, rowsOf, update, type Worker } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 100_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** By `Type/id`, without the folder. */
const named = (lines: Map<string, string>) =>
	[...lines]
		.map(([key, line]) => [key.slice(key.indexOf(' ') + 1), line])
		.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
const sorted = (lines: Map<string, string>) => [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
const toProvider = () => sent.filter(({ url }) => url.startsWith(sandbox.origin));

/** A session whose agent asks for `wants`, as it is known once it was opened. */
async function asking(worker: Worker, wants: string[]) {
	const at = await session(sandbox);
	await worker.updateSession(at.sid, { request: { who: 'An assistant', why: 'To see', wants } });
	return at;
}

async function sendFrom(from: 'copy' | 'provider', wants: string[] = []) {
	const worker = await load();
	const at = await asking(worker, wants);
	const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: from });
	const end = await runToEnd(worker, job.id);
	expect(end).toMatchObject({ status: 'done', error: null });
	return { end, ...(await at.receive()) };
}

describe('a send from the copy', () => {
	test('is the copy, asks the provider for nothing, and says when it was read', async () => {
		const worker = await keep(sandbox, 'harbor');
		const { copy } = await worker.copyDetail('harbor');
		sent.length = 0;
		const { end, index, lines, repeated } = await sendFrom('copy');
		expect(toProvider()).toEqual([]);
		expect(repeated).toEqual([]);
		expect(named(lines)).toEqual(sorted(await linesOfCopy('harbor')));
		expect(index.sources[0]).toMatchObject({ fetchedAt: new Date(copy!.at).toISOString() });
		expect(end.sources[0]).toMatchObject({ from: 'copy', asOf: copy!.at, requests: 0, resources: lines.size });
		for (const { count, of } of end.sources[0]!.kinds) expect(count).toBe(of);
		const fetched = await sendFrom('provider');
		const told = (of: typeof fetched) =>
			of.index.sources[0]!.queries.map(({ query, status, count }) => `${query} ${status} ${count}`).sort();
		expect(told({ ...fetched, index })).toEqual(told(fetched));
		expect(named(fetched.lines)).toEqual(named(lines));
	});

	test.each([
		[['Goal', 'DocumentReference']],
		[['MedicationRequest']],
		[['Observation', 'DiagnosticReport']],
		[['Goal', 'Organization', 'Binary', 'VerificationResult']],
	])('has of %j what a fetch for it has, and nothing else', async (wants) => {
		await keep(sandbox, 'harbor');
		const copied = await sendFrom('copy', wants);
		const fetched = await sendFrom('provider', wants);
		expect(named(copied.lines)).toEqual(named(fetched.lines));
		expect(copied.lines.size).toBeGreaterThan(1);
		expect(copied.lines.size).toBeLessThan((await linesOfCopy('harbor')).size);
		const types = new Set(copied.index.sources[0]!.queries.map(({ query }) => query.split(/[?/]/)[0]));
		expect(types).toEqual(new Set(fetched.index.sources[0]!.queries.map(({ query }) => query.split(/[?/]/)[0])));
	});

	test('names nothing that could not be read of what was not asked for', async () => {
		sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type: 'Binary' }, action: { status: 404 } });
		await keep(sandbox, 'harbor');
		const { index, lines } = await sendFrom('copy', ['Goal']);
		expect(JSON.stringify([...lines.values(), index])).not.toContain('Binary');
		const asked = await sendFrom('copy', ['DocumentReference']);
		expect(asked.index.sources[0]!.queries).toMatchObject(
			expect.arrayContaining([expect.objectContaining({ query: expect.stringMatching(/^Binary\?_id=/) })]),
		);
	});

	test('answers for a type that the copy does not have', async () => {
		await keep(sandbox, 'harbor');
		const { index, end } = await sendFrom('copy', ['Goal', 'VisionPrescription']);
		expect(end.sources[0]!.kinds).toContainEqual(
			expect.objectContaining({ type: 'VisionPrescription', status: 'refused', reasons: ['not_in_copy'] }),
		);
		expect(index.sources[0]!.queries).toContainEqual({
			query: 'VisionPrescription',
			status: 'refused',
			count: 0,
			reason: 'not_in_copy',
		});
	});

	test('without a copy, or without one any more, says that it is gone, and goes on with the next one', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.setKeep('harbor', false);
		const at = await session(sandbox);
		const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'failed', error: { code: 'copy_gone' } });
		await worker.setKeep('harbor', true);
		await update(worker, 'harbor');
		await worker.retryJob(job.id);
		expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done' });
		expect(named((await at.receive()).lines)).toEqual(sorted(await linesOfCopy('harbor')));
	});

	test('that an update overtakes sends the copy that it began with, which goes once it is over', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const at = await session(sandbox);
		const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		// The first parts are read, and the worker dies before the last.
		const operations = (await rowsOf('part')).length;
		const dead = killAfter(Math.ceil(operations / 2) + 12);
		worker.runSlice(job.id).catch(() => {});
		await dead;
		const next = await load();
		expect((await next.getJob(job.id)).sources[0]).toMatchObject({ collected: false, copied: expect.anything() });
		sandbox.records('harbor', 'camila').put({
			resourceType: 'Goal',
			id: 'overtaken',
			subject: sandbox.records('harbor', 'camila').patient,
		});
		await update(next, 'harbor');
		expect(await runToEnd(next, job.id)).toMatchObject({ status: 'done' });
		const { lines, repeated } = await at.receive();
		expect(repeated).toEqual([]);
		expect(named(lines)).toEqual(sorted(before));
		await next.sweep();
		const copy = (await next.getCopy((await next.getConnection('harbor'))!))!;
		const places = new Set([...next.placesOf(copy)].map(String));
		for (const key of await rowsOf('part', 'index')) expect(places).toContain(String((key as string[]).slice(0, 4)));
		expect((await linesOfCopy('harbor')).has('Goal/overtaken')).toBe(true);
	});

	test.each([
		[7, []],
		[23, ['Goal', 'Observation', 'DocumentReference']],
	] as const)(
		'of workers that die, first at operation %i, has each line once',
		async (first, wants) => {
			await keep(sandbox, 'harbor');
			const at = await asking(await load(), [...wants]);
			const job = await (await load()).startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
			kill();
			let [lives, operations] = [0, first as number];
			let end: unknown = 'dead';
			while (end === 'dead') {
				lives++;
				const worker = await load();
				const death = killAfter(operations);
				const run = runToEnd(worker, job.id);
				run.catch(() => {});
				end = await Promise.race([death, run]);
				operations = Math.ceil(operations * 1.2) + 3;
			}
			killAfter(Number.POSITIVE_INFINITY);
			expect(lives).toBeGreaterThan(1);
			expect(end).toMatchObject({ status: 'done', error: null });
			const { lines, repeated } = await at.receive();
			expect(repeated).toEqual([]);
			expect(named(lines)).toEqual(sorted(await linesOfCopy('harbor', [...wants])));
		},
		60_000,
	);

	test('goes on after the disk could not be read for a moment', async () => {
		const worker = await keep(sandbox, 'harbor');
		const at = await session(sandbox);
		const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		const get = IDBObjectStore.prototype.get;
		let failures = 0;
		const spy = vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
			if ((key as string[])[0] === 'part' && (key as string[])[3] === 'Encounter' && failures++ === 0)
				throw new DOMException('not now', 'UnknownError');
			return get.call(this, key);
		});
		expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
		spy.mockRestore();
		expect(failures).toBe(1);
		await worker.retryJob(job.id);
		expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done' });
		expect(named((await at.receive()).lines)).toEqual(sorted(await linesOfCopy('harbor')));
	});
});

test('a download from the copy has a file for each type', async () => {
	const worker = await keep(sandbox, 'harbor');
	const job = await worker.startCollect(crypto.randomUUID(), ['harbor'], { harbor: 'copy' });
	expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done' });
	const { sources } = await worker.getJob(job.id);
	const lines = await linesOfCopy('harbor');
	const counts = Object.values(sources[0]!.streams).map((stream) => stream.lines);
	expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lines.size);
	expect(Object.keys(sources[0]!.streams).sort()).toEqual(
		[...new Set([...lines.keys()].map((key) => key.split('/')[0]))].sort(),
	);
});
