/** A reading that fails, in whatever way, puts nothing in the place of what the copy has: that stays, and says since when it is. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FaultAction } from '../../sandbox/faults.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';
import { hurry } from '../jobs/clock.js';
import { runToEnd, session } from '../jobs/world.js';
import { ORIGIN, sent } from '../setup.js';
import { keep, linesOfCopy, update, type Worker } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	const harbor = systems.find(({ id }) => id === 'harbor')!;
	// More than one page of each kind, so that asking for changes alone is worth a proof.
	const small = { ...harbor, fhir: { ...harbor.fhir, pageSize: 5, maxPageSize: 5 } };
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 100_000, systems: [small] });
	for (const type of types) for (let n = 0; n < 8; n++) put(type, `old-${n}`, '2025-06-01T00:00:00Z');
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** Each fails in a way of its own. */
const ways: Record<string, [action: FaultAction, status: 'failed' | 'refused', reason: string]> = {
	Goal: [{ status: 500 }, 'failed', 'http_500'],
	AllergyIntolerance: [{ status: 429 }, 'failed', 'http_429'],
	Condition: [{ html: true }, 'failed', 'not_json'],
	Procedure: [{ truncate: true }, 'failed', 'not_json'],
	Immunization: [{ hang: true }, 'failed', 'timeout'],
	MedicationRequest: [{ status: 403 }, 'refused', 'http_403'],
	DiagnosticReport: [{ reassign: true }, 'failed', 'other_patient'],
};
/** And one that is read. */
const FINE = 'CareTeam';
const types = [...Object.keys(ways), FINE];

function put(resourceType: string, id: string, lastUpdated?: string): void {
	const control = sandbox.records('harbor', 'camila');
	control.put({ resourceType, id, subject: control.patient, patient: control.patient }, lastUpdated);
}

/** The next reading reads everything. */
async function forgetWhen(worker: Worker): Promise<void> {
	const { update: change } = await import('../../../sw/wallet/rows.js');
	await change<{ fullAt: number }>(worker.copyKey('harbor'), (copy) => ({ ...copy, fullAt: 1 }));
}

const sorted = (lines: Map<string, string>) => [...lines].sort(([a], [b]) => (a < b ? -1 : 1));

test.each(['full', 'incremental'] as const)(
	'a failure in a reading that is %s',
	async (mode) => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const { copy: first } = await worker.copyDetail('harbor');
		if (mode === 'full') await forgetWhen(worker);
		else expect(Object.keys(await worker.sinceOf('harbor'))).toEqual(expect.arrayContaining(types));
		for (const type of types) put(type, `new-${mode}`);
		for (const [type, [action]] of Object.entries(ways))
			sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type }, action });
		sent.length = 0;
		hurry(100);
		let job = await update(worker, 'harbor');
		while (job.status === 'waiting') {
			await new Promise((resolve) => setTimeout(resolve, 1000));
			job = await runToEnd(worker, job.id);
		}
		expect(job).toMatchObject({ status: 'done', error: null });
		const [asked] = sent.filter(({ url }) => url.includes(`/${FINE}?`));
		expect(asked?.url.includes('_lastUpdated=gt')).toBe(mode === 'incremental');

		const expected = sorted(await linesOfCopy('harbor')).filter(([key]) => key !== `${FINE}/new-${mode}`);
		expect(expected).toEqual(sorted(before));
		expect((await linesOfCopy('harbor')).has(`${FINE}/new-${mode}`)).toBe(true);
		const { kinds, copy, history } = await worker.copyDetail('harbor');
		expect(history[0]).toMatchObject({ mode, status: 'partial', added: 1, changed: 0, removed: 0 });
		expect(copy).toMatchObject({ unread: Object.keys(ways).length, resources: before.size + 1 });
		for (const [type, [, status, reason]] of Object.entries(ways)) {
			const kind = kinds.find((one) => one.type === type);
			expect(kind).toMatchObject({ type, status, at: first!.at, reasons: [reason] });
			expect(Object.keys(await worker.sinceOf('harbor'))).not.toContain(type);
		}

		const at = await session(sandbox);
		const { id } = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		const send = await runToEnd(worker, id);
		expect(send).toMatchObject({ status: 'done' });
		const { lines, index } = await at.receive();
		const keptFrom = new Date(first!.at).toISOString();
		for (const [type, [, status, reason]] of Object.entries(ways)) {
			const of = (list: { query: string }[]) => list.filter(({ query }) => query.startsWith(type));
			const named = [...lines.keys()].filter((key) => key.includes(` ${type}/`)).length;
			expect(named).toBe([...before.keys()].filter((key) => key.startsWith(`${type}/`)).length);
			const told = of(index.sources[0]!.failed);
			expect(told.length).toBeGreaterThan(0);
			expect(told).toEqual(told.map(() => expect.objectContaining({ status, reason, keptFrom })));
			expect(of(index.sources[0]!.queries)).toEqual(expect.arrayContaining(told));
			expect(send.sources[0]!.kinds.find((one) => one.type === type)).toMatchObject({ status, keptFrom: first!.at });
		}

		sandbox.faults.reset();
		expect(await update(worker, 'harbor')).toMatchObject({ status: 'done' });
		const after = await linesOfCopy('harbor');
		for (const type of types) expect(after.has(`${type}/new-${mode}`)).toBe(true);
		expect((await worker.copyDetail('harbor')).copy).toMatchObject({ unread: 0 });
	},
	60_000,
);
