/** What becomes of the copy when the record changes under it, or the access to it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';
import { runToEnd, session } from '../jobs/world.js';
import { ORIGIN, sent } from '../setup.js';
import { keep, linesOfCopy, update, type Worker } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	// Pages so small that most kinds have more than one, and asking for changes alone is worth a proof.
	const some = systems
		.filter(({ id }) => ['harbor', 'lakeside', 'summit'].includes(id))
		.map((system) => ({ ...system, fhir: { ...system.fhir, pageSize: 5, maxPageSize: 5 } }));
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 100_000, systems: some });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const EARLIER = '2025-06-01T00:00:00Z';

function put(system: string, resourceType: string, id: string, more: object = {}, lastUpdated?: string): void {
	const control = sandbox.records(system, 'camila');
	control.put({ resourceType, id, subject: control.patient, patient: control.patient, ...more }, lastUpdated);
}

/** The next reading reads everything. */
async function forgetWhen(worker: Worker, system: string): Promise<void> {
	const { update: change } = await import('../../../sw/wallet/rows.js');
	await change<{ fullAt: number }>(worker.copyKey(system), (copy) => ({ ...copy, fullAt: 1 }));
}

describe('a resource', () => {
	test('that was deleted, or goes by another id, is gone after everything was read, and not before', async () => {
		for (let n = 0; n < 8; n++) put('harbor', 'Goal', `g${n}`, {}, EARLIER);
		const worker = await keep(sandbox, 'harbor');
		const control = sandbox.records('harbor', 'camila');
		control.remove('Goal', 'g0');
		control.remove('Goal', 'g1');
		put('harbor', 'Goal', 'renamed');
		await update(worker, 'harbor');
		const { history } = await worker.copyDetail('harbor');
		expect(history[0]).toMatchObject({ mode: 'incremental', added: 1, removed: 0 });
		expect([...(await linesOfCopy('harbor')).keys()]).toEqual(
			expect.arrayContaining(['Goal/g0', 'Goal/g1', 'Goal/renamed']),
		);
		await forgetWhen(worker, 'harbor');
		await update(worker, 'harbor');
		expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ mode: 'full', added: 0, removed: 2 });
		const lines = await linesOfCopy('harbor');
		expect(['Goal/g0', 'Goal/g1', 'Goal/renamed'].map((key) => lines.has(key))).toEqual([false, false, true]);
	});

	test('shares its id with one of another type, and both are there, each by itself', async () => {
		put('harbor', 'Goal', 'twin', { note: 'a goal' }, EARLIER);
		put('harbor', 'Condition', 'twin', { note: 'a condition' }, EARLIER);
		const worker = await keep(sandbox, 'harbor');
		put('harbor', 'Condition', 'twin', { note: 'another condition' });
		await update(worker, 'harbor');
		const lines = await linesOfCopy('harbor');
		expect(lines.get('Goal/twin')).toContain('a goal');
		expect(lines.get('Condition/twin')).toContain('another condition');
		sandbox.records('harbor', 'camila').remove('Goal', 'twin');
		await forgetWhen(worker, 'harbor');
		await update(worker, 'harbor');
		const after = await linesOfCopy('harbor');
		expect([after.has('Goal/twin'), after.has('Condition/twin')]).toEqual([false, true]);
	});

	test('that moves to another category, where one has to ask by category, is there once and as it is now', async () => {
		const category = (code: string) => ({ status: 'final', category: [{ coding: [{ code }] }] });
		put('lakeside', 'Observation', 'mover', category('laboratory'), EARLIER);
		const worker = await keep(sandbox, 'lakeside');
		const before = await linesOfCopy('lakeside');
		expect(Object.keys(await worker.sinceOf('lakeside'))).toContain('Observation');
		put('lakeside', 'Observation', 'mover', category('vital-signs'));
		await update(worker, 'lakeside');
		expect((await worker.copyDetail('lakeside')).history[0]).toMatchObject({ added: 0, changed: 1, removed: 0 });
		const lines = await linesOfCopy('lakeside');
		expect(lines.size).toBe(before.size);
		expect(lines.get('Observation/mover')).toContain('vital-signs');
	});
});

test('changes are asked for with an end where the server wants one', async () => {
	for (let n = 0; n < 8; n++) put('summit', 'Condition', `c${n}`, {}, EARLIER);
	const worker = await keep(sandbox, 'summit');
	expect(Object.keys(await worker.sinceOf('summit'))).toContain('Condition');
	put('summit', 'Condition', 'late');
	sent.length = 0;
	await update(worker, 'summit');
	const [asked] = sent.filter(({ url }) => url.includes('/Condition?'));
	expect(new URL(asked?.url ?? '').searchParams.getAll('_lastUpdated')).toEqual([
		expect.stringMatching(/^gt/),
		expect.stringMatching(/^lt/),
	]);
	expect((await worker.copyDetail('summit')).history[0]).toMatchObject({ mode: 'incremental', status: 'ok', added: 1 });
});

describe('access that covers less than before', () => {
	const narrow = ['Patient', 'Condition', 'Observation', 'Practitioner', 'Organization', 'Binary']
		.map((type) => `patient/${type}.rs`)
		.join(' ');

	test('leaves what it does not cover any more, with what that refers to, and says so', async () => {
		put('harbor', 'Practitioner', 'only-by-a-goal', { subject: undefined, patient: undefined });
		put('harbor', 'Goal', 'kept', { expressedBy: { reference: 'Practitioner/only-by-a-goal' } }, EARLIER);
		for (const id of ['going', 'staying']) put('harbor', 'Condition', id, {}, EARLIER);
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const { scope } = (await worker.getConnection('harbor'))!;
		const { copy: first } = await worker.copyDetail('harbor');
		sandbox.records('harbor', 'camila').remove('Condition', 'going');
		await worker.updateConnection('harbor', { scope: narrow });
		// Twice: what is told once is told as long as it is so.
		for (const removed of [1, 0]) {
			await update(worker, 'harbor');
			const { history, kinds, copy } = await worker.copyDetail('harbor');
			expect(history[0]).toMatchObject({ status: 'partial', removed });
			const lines = await linesOfCopy('harbor');
			expect([...before.keys()].filter((key) => !lines.has(key))).toEqual(['Condition/going']);
			const goal = kinds.find(({ type }) => type === 'Goal');
			expect(goal).toMatchObject({ status: 'refused', at: first!.at, reasons: ['not_granted'] });
			expect(kinds.find(({ type }) => type === 'Condition')).toMatchObject({ status: 'ok', at: copy!.at });
		}
		const at = await session(sandbox);
		const { id } = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		expect(await runToEnd(worker, id)).toMatchObject({ status: 'done' });
		const { index, lines } = await at.receive();
		expect(index.sources[0]!.failed).toContainEqual(
			expect.objectContaining({
				query: 'Goal',
				status: 'refused',
				reason: 'not_granted',
				keptFrom: new Date(first!.at).toISOString(),
			}),
		);
		expect([...lines.keys()].some((key) => key.endsWith(' Goal/kept'))).toBe(true);

		await worker.updateConnection('harbor', { scope });
		sandbox.records('harbor', 'camila').remove('Goal', 'kept');
		await update(worker, 'harbor');
		const { copy, history } = await worker.copyDetail('harbor');
		expect(history[0]).toMatchObject({ mode: 'full', status: 'ok' });
		expect(copy).toMatchObject({ unread: 0 });
		const after = await linesOfCopy('harbor');
		expect([after.has('Goal/kept'), after.has('Practitioner/only-by-a-goal')]).toEqual([false, false]);
	});

	test('and a document that was withdrawn with the last note goes', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		expect([...before.keys()].some((key) => key.startsWith('Binary/'))).toBe(true);
		const control = sandbox.records('harbor', 'camila');
		for (const key of before.keys()) {
			const [type = '', id = ''] = key.split('/');
			if (['DocumentReference', 'DiagnosticReport', 'Binary'].includes(type)) control.remove(type, id);
		}
		await forgetWhen(worker, 'harbor');
		await update(worker, 'harbor');
		const after = await linesOfCopy('harbor');
		expect([...after.keys()].filter((key) => key.startsWith('Binary/'))).toEqual([]);
		expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ status: 'ok' });
	});
});
