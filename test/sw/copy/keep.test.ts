import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { runToEnd, session, signIn } from '../jobs/world.js';
import { codeOf, kill, killAfter, ORIGIN, rowsOnDisk, sent, textIn } from '../setup.js';
import { keep, linesOfCopy, load, rowsOf, update } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 200_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** What a send from the provider brings, by `Type/id`. */
async function fetched(id: string): Promise<Map<string, string>> {
	const at = await session(sandbox);
	const worker = await load();
	const job = await worker.startSend(at.sid, [id], 'keep');
	expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done' });
	return records((await at.receive()).lines);
}

/** Without the folder, and without what could not be read. */
function records(lines: Map<string, string>): Map<string, string> {
	const of = [...lines].map(([key, line]) => [key.slice(key.indexOf(' ') + 1), line] as const);
	return new Map(of.filter(([key]) => !key.startsWith('OperationOutcome')));
}

const sorted = (lines: Map<string, string>) => [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
const goal = (id: string, text: string) => ({
	resourceType: 'Goal',
	id,
	lifecycleStatus: 'active',
	description: { text },
	subject: sandbox.records('harbor', 'camila').patient,
});

describe('a copy', () => {
	test('is off until the person turns it on, and holds the whole record then', async () => {
		await signIn(sandbox, 'harbor');
		const worker = await load();
		expect(await worker.viewOne('harbor')).toMatchObject({ keep: false, copy: null });
		expect(await codeOf(worker.startKeep('harbor'))).toBe('copy_gone');
		await worker.setKeep('harbor', true);
		const { jobs } = await worker.overview();
		expect(jobs).toMatchObject([{ kind: 'keep', status: 'running', sources: [{ connectionId: 'harbor' }] }]);
		await worker.setKeep('harbor', true);
		expect((await worker.overview()).jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
		expect(await runToEnd(worker, jobs[0]!.id)).toMatchObject({ status: 'done', error: null });
		expect(await worker.listJobs()).toEqual([]);
		const lines = await linesOfCopy('harbor');
		const view = await worker.viewOne('harbor');
		const bytes = [...lines.values()].reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
		expect(view).toMatchObject({ keep: true, copy: { resources: lines.size, bytes, unread: 0 } });
		expect(sorted(lines)).toEqual(sorted(await fetched('harbor')));
		const { history, kinds } = await worker.copyDetail('harbor');
		expect(history).toMatchObject([
			{ mode: 'full', status: 'ok', added: lines.size, changed: 0, removed: 0, error: null },
		]);
		expect(history[0]!.requests).toBeGreaterThan(10);
		expect(kinds.reduce((sum, { count }) => sum + count, 0)).toBe(lines.size);
		const { entries } = await (await import('../../../sw/wallet/activity.js')).listActivity(null, 10);
		expect(entries.map(({ what }) => what)).toEqual(expect.arrayContaining(['copy_on', 'copied']));
	});

	test('leaves nothing readable on the disk', async () => {
		await keep(sandbox, 'harbor');
		const disk = textIn(await rowsOnDisk());
		const lines = await linesOfCopy('harbor');
		for (const key of lines.keys()) expect(disk).not.toContain(key.slice(key.indexOf('/') + 1));
		expect(disk).not.toContain('resourceType');
	});

	test('survives the end of its job, whoever tidies up', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const [job] = await rowsOf('part');
		await worker.cancelJob((job as string[])[1]!);
		await worker.sweep();
		await (await import('../../../sw/tend.js')).tendAll();
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
	});

	test('goes when it is turned off, with its connection, and with everything', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.setKeep('harbor', false);
		expect(await rowsOf('copy', 'part', 'index', 'chunk', 'history', 'sizes', 'job')).toEqual([]);
		expect(await worker.viewOne('harbor')).toMatchObject({ keep: false, copy: null });
		await worker.setKeep('harbor', true);
		await update(worker, 'harbor');
		await worker.leaveConnection('harbor');
		expect(await rowsOf('copy', 'part', 'index', 'chunk', 'history', 'sizes', 'job')).toEqual([]);
		const again = await keep(sandbox, 'harbor');
		await again.clearEverything();
		expect(await rowsOnDisk()).toEqual([]);
	});

	test('goes with a connection that was made for a session and is cleared with it', async () => {
		const worker = await keep(sandbox, 'harbor');
		const at = await session(sandbox);
		await worker.updateConnection('harbor', { newForSession: at.sid });
		const job = await worker.startSend(at.sid, ['harbor'], 'clear', { harbor: 'copy' });
		expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done' });
		expect(await rowsOf('connection', 'copy', 'part', 'index', 'chunk', 'history')).toEqual([]);
	});

	test('turned off while it is being read comes to nothing', async () => {
		await signIn(sandbox, 'harbor');
		const worker = await load();
		await worker.setKeep('harbor', true);
		const { id } = await worker.startKeep('harbor');
		const end = sandbox.faults.hold({ system: 'harbor', match: { endpoint: 'fhir', type: 'Goal' } });
		const slice = worker.runSlice(id).catch((error) => error);
		await sandbox.faults.held();
		await worker.setKeep('harbor', false);
		sandbox.faults.release();
		end();
		await slice;
		await worker.sweep();
		expect(await rowsOf('copy', 'part', 'index', 'chunk', 'history', 'job')).toEqual([]);
	});

	test('is resealed with the wallet, without its parts', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const parts = async () => (await rowsOnDisk()).filter(({ key }) => (key as string[])[0] === 'part').map(textOf);
		const textOf = ({ value }: { value: unknown }) => textIn(value);
		const sealed = await parts();
		const { enableLock } = await import('../../../sw/wallet/lock.js');
		const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
		await enableLock({ key, credentialId: 'c', salt: 's' });
		expect(await parts()).toEqual(sealed);
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
		expect(await worker.viewOne('harbor')).toMatchObject({ copy: { resources: before.size } });
	});
});

describe('an update', () => {
	/** More than a page, so that asking for changes alone is worth a proof. */
	beforeAll(() => {
		const control = sandbox.records('harbor', 'camila');
		for (let n = 0; n < 150; n++) control.put(goal(`copy-${n}`, 'walk more'), '2025-06-01T00:00:00Z');
	});

	test('asks only for what changed where the server proved that it can tell, and counts it', async () => {
		const control = sandbox.records('harbor', 'camila');
		control.put(goal('copy-old', 'before'), '2026-01-01T00:00:00Z');
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		sent.length = 0;
		control.put(goal('copy-new', 'added'));
		control.put(goal('copy-old', 'after'));
		expect(await update(worker, 'harbor')).toMatchObject({ status: 'done' });
		const { history } = await worker.copyDetail('harbor');
		expect(history[0]).toMatchObject({ mode: 'incremental', status: 'ok', added: 1, changed: 1, removed: 0 });
		expect(sent.some(({ url }) => url.includes('/Goal?') && url.includes('_lastUpdated=gt'))).toBe(true);
		const lines = await linesOfCopy('harbor');
		expect(lines.size).toBe(before.size + 1);
		expect(lines.get('Goal/copy-old')).toContain('after');
		expect(sorted(lines)).toEqual(sorted(await fetched('harbor')));
		expect((await worker.overview()).connections[0]?.copy?.resources).toBe(lines.size);
	});

	test('that changed nothing keeps no part of its own', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const parts = await rowsOf('part', 'index');
		await update(worker, 'harbor');
		expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ added: 0, changed: 0, removed: 0 });
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
		expect((await rowsOf('part')).length).toBe(parts.filter((key) => (key as string[])[0] === 'part').length);
	});

	test('reads everything once a week, and finds what has gone', async () => {
		const control = sandbox.records('harbor', 'camila');
		control.put(goal('copy-going', 'soon gone'));
		const worker = await keep(sandbox, 'harbor');
		expect((await linesOfCopy('harbor')).has('Goal/copy-going')).toBe(true);
		control.remove('Goal', 'copy-going');
		await update(worker, 'harbor');
		expect((await linesOfCopy('harbor')).has('Goal/copy-going')).toBe(true);
		const { copyKey } = worker;
		const { update: change } = await import('../../../sw/wallet/rows.js');
		await change<{ fullAt: number }>(copyKey('harbor'), (copy) => ({ ...copy, fullAt: copy.fullAt - 8 * 86_400_000 }));
		expect(await worker.sinceOf('harbor')).toEqual({});
		await update(worker, 'harbor');
		expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ mode: 'full', removed: 1 });
		const lines = await linesOfCopy('harbor');
		expect(lines.has('Goal/copy-going')).toBe(false);
		expect(sorted(lines)).toEqual(sorted(await fetched('harbor')));
	});

	test('reads everything after other scopes were granted', async () => {
		const worker = await keep(sandbox, 'harbor');
		expect(Object.keys(await worker.sinceOf('harbor'))).toContain('Goal');
		await worker.updateConnection('harbor', { scope: 'patient/Goal.rs' });
		expect(await worker.sinceOf('harbor')).toEqual({});
	});

	test.each(['meridian', 'northgate'])('at %s, which cannot tell what changed, reads everything', async (id) => {
		const worker = await keep(sandbox, id);
		await update(worker, id);
		expect((await worker.copyDetail(id)).history[0]).toMatchObject({ mode: 'full', added: 0, changed: 0, removed: 0 });
		expect(sorted(await linesOfCopy(id))).toEqual(sorted(await fetched(id)));
	});

	test('that a query fails in keeps what the copy had of it, and says from when', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const { copy: first } = await worker.copyDetail('harbor');
		sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type: 'Condition' }, action: { status: 500 } });
		expect(await update(worker, 'harbor')).toMatchObject({ status: 'done' });
		const { kinds, history, copy } = await worker.copyDetail('harbor');
		expect(history[0]).toMatchObject({ status: 'partial', removed: 0 });
		expect(copy).toMatchObject({ unread: 1 });
		expect(kinds.find(({ type }) => type === 'Condition')).toMatchObject({ status: 'failed', at: first!.at });
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
		expect(Object.keys(await worker.sinceOf('harbor'))).not.toContain('Condition');
		const at = await session(sandbox);
		const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
		await runToEnd(worker, job.id);
		const { index, lines } = await at.receive();
		expect(sorted(records(lines))).toEqual(sorted(before));
		const queries = index.sources[0]!.queries.filter(({ query }) => query.startsWith('Condition'));
		expect(queries).toMatchObject([{ status: 'failed', keptFrom: new Date(first!.at).toISOString() }]);
		sandbox.faults.reset();
		await update(worker, 'harbor');
		expect((await worker.copyDetail('harbor')).copy).toMatchObject({ unread: 0 });
	});

	test('that cannot read anything leaves the copy as it was, and is remembered once', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 404 } });
		const job = await update(worker, 'harbor');
		expect(job).toMatchObject({ status: 'failed', error: { code: 'nothing_read' } });
		await worker.runSlice(job.id);
		const { history, copy } = await worker.copyDetail('harbor');
		expect(history).toMatchObject([{ status: 'failed', error: 'nothing_read' }, { status: 'ok' }]);
		expect(copy).toMatchObject({ resources: before.size });
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
		expect((await worker.overview()).jobs).toMatchObject([{ kind: 'keep', status: 'failed' }]);
		sandbox.faults.reset();
		expect(await update(worker, 'harbor')).toMatchObject({ status: 'done' });
		expect((await worker.overview()).jobs).toEqual([]);
	});

	test('that finds the disk full leaves the copy as it was, and the disk no fuller', async () => {
		const worker = await keep(sandbox, 'harbor');
		const before = await linesOfCopy('harbor');
		const parts = await rowsOf('part', 'index', 'chunk');
		sandbox.records('harbor', 'camila').put(goal('copy-full', 'one more'));
		const put = IDBObjectStore.prototype.put;
		const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
			this: IDBObjectStore,
			value,
			key,
		) {
			if ((key as string[])[0] === 'copy') throw new DOMException('full', 'QuotaExceededError');
			return put.call(this, value, key);
		});
		expect(await update(worker, 'harbor')).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
		full.mockRestore();
		expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(before));
		expect(await rowsOf('part', 'index', 'chunk')).toEqual(parts);
		expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ status: 'failed', error: 'storage_full' });
	});
});

describe('a worker that dies', () => {
	test('as soon as the copy is written has noted it', async () => {
		await keep(sandbox, 'harbor');
		const { startKeep, runSlice } = await load();
		const { id } = await startKeep('harbor');
		const put = IDBObjectStore.prototype.put;
		const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
			this: IDBObjectStore,
			value,
			key,
		) {
			if ((key as string[])[0] === 'copy') this.transaction.addEventListener('complete', kill);
			return put.call(this, value, key);
		});
		const death = killAfter(Number.POSITIVE_INFINITY);
		runSlice(id).catch(() => {});
		await death;
		spy.mockRestore();
		expect(await (await load()).listJobs()).toEqual([]);
		const { entries } = await (await import('../../../sw/wallet/activity.js')).listActivity(null, 10);
		expect(entries.filter(({ what }) => what === 'copied')).toHaveLength(2);
	});

	test.each([3, 17, 40])(
		'at its operation %i of an update, and at later ones, leaves one copy that is whole',
		async (first) => {
			await keep(sandbox, 'harbor');
			sandbox.records('harbor', 'camila').put(goal(`copy-death-${first}`, 'added meanwhile'));
			const { startKeep } = await load();
			const { id } = await startKeep('harbor');
			kill();
			let [lives, operations] = [0, first];
			let end: unknown = 'dead';
			while (end === 'dead') {
				lives++;
				const worker = await load();
				const death = killAfter(operations);
				const run = runToEnd(worker, id).catch((error) => error.code);
				end = await Promise.race([death, run]);
				operations = Math.ceil(operations * 1.3) + 5;
			}
			killAfter(Number.POSITIVE_INFINITY);
			expect(lives).toBeGreaterThan(1);
			// A death after the copy was written leaves no row to go on with.
			expect(end === 'job_unknown' || (end as { status: string }).status === 'done').toBe(true);
			const worker = await load();
			expect(await worker.listJobs()).toEqual([]);
			expect((await worker.copyDetail('harbor')).history.map(({ status }) => status)).toEqual(['ok', 'ok']);
			expect(sorted(await linesOfCopy('harbor'))).toEqual(sorted(await fetched('harbor')));
			await worker.sweep();
			const copy = (await worker.getCopy((await worker.getConnection('harbor'))!))!;
			const places = new Set([...worker.placesOf(copy)].map(String));
			for (const key of await rowsOf('part', 'index')) expect(places).toContain(String((key as string[]).slice(0, 4)));
		},
		60_000,
	);
});
