/** The end of a copy: nothing of it stays, and nobody goes on with what the wallet has let go of. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { runToEnd, session, signIn } from '../jobs/world.js';
import { codeOf, loopback, network, ORIGIN, withStore } from '../setup.js';
import { keep, linesOfCopy, load, rowsOf, update } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 200_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const OF_A_COPY = ['copy', 'part', 'index', 'chunk', 'history', 'sizes', 'counts'];

describe('removing a connection leaves nothing of its copy', () => {
	test('while a refresh holds it up and another tab wants the copy brought up to date', async () => {
		const worker = await keep(sandbox, 'harbor');
		let free = () => {};
		const held = new Promise<void>((resolve) => {
			free = resolve;
		});
		const refresh = navigator.locks.request('refresh harbor', () => held);
		const leaving = worker.leaveConnection('harbor');
		await expect.poll(() => rowsOf('copy')).toEqual([]);
		expect(await codeOf(worker.startKeep('harbor'))).toBe('copy_gone');
		await worker.setCollecting({ prefer: 'fetch', schedule: 'hourly' });
		expect(await worker.startDue(Date.now())).toBe(false);
		free();
		await Promise.all([refresh, leaving]);
		expect(await rowsOf(...OF_A_COPY, 'job', 'connection')).toEqual([]);
	});

	test('nor does a session that clears what was made for it', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.updateConnection('harbor', { newForSession: 'sid' });
		await worker.startKeep('harbor');
		await worker.settleConnections('sid', 'clear');
		expect(await rowsOf(...OF_A_COPY, 'job', 'connection')).toEqual([]);
	});

	test('and what an earlier crash left of one is swept', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.updateConnection('harbor', { keep: false });
		await worker.sweep();
		expect(await rowsOf(...OF_A_COPY)).toEqual([]);
		await worker.setKeep('harbor', true);
		await update(worker, 'harbor');
		await worker.deleteConnection('harbor');
		await worker.sweep();
		expect(await rowsOf(...OF_A_COPY)).toEqual([]);
	});
});

test('turned off, also the generation goes that a job is still reading, and that job says so', async () => {
	const worker = await keep(sandbox, 'harbor');
	const at = await session(sandbox);
	const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
	const begun = await worker.readJob(job.id);
	const connection = await worker.getConnection('harbor');
	const copy = await worker.getCopy(connection!);
	// As a worker leaves it that died at its first part; then the copy is replaced.
	begun.value.sources[0]!.copied = { copy: copy!, done: 0 };
	const { commit } = await import('../../../sw/wallet/rows.js');
	await commit([{ key: ['job', job.id], value: begun.value }]);
	await update(worker, 'harbor');
	await worker.setKeep('harbor', false);
	expect(await rowsOf(...OF_A_COPY)).toEqual([]);
	expect((await runToEnd(worker, job.id)).error).toMatchObject({ code: 'copy_gone' });
});

test('a row of a copy that does not open is no copy, and stops neither the overview nor what is due', async () => {
	const worker = await keep(sandbox, 'harbor');
	await withStore('readwrite', async (store) => {
		store.put({ revision: 1, sealed: { iv: new Uint8Array(12), data: new ArrayBuffer(64), by: '' } }, [
			'copy',
			'harbor',
		]);
	});
	expect((await worker.overview()).connections).toMatchObject([{ id: 'harbor', keep: true, copy: null }]);
	await worker.setCollecting({ prefer: 'fetch', schedule: 'hourly' });
	await (await import('../../../sw/tend.js')).tendAll();
	expect(await rowsOf('copy', 'part', 'index')).toEqual([]);
	await update(worker, 'harbor');
	expect((await linesOfCopy('harbor')).size).toBeGreaterThan(10);
});

test('a copy does not grow where little room is left, and is as it was', async () => {
	const worker = await keep(sandbox, 'harbor');
	const before = await linesOfCopy('harbor');
	const estimate = async () => ({ quota: 200_000_000, usage: 180_000_000 });
	Object.defineProperty(navigator, 'storage', { value: { estimate }, configurable: true });
	try {
		// It is looked at once a second.
		await new Promise((resolve) => setTimeout(resolve, 1_100));
		expect((await update(worker, 'harbor')).error).toMatchObject({ code: 'storage_full' });
	} finally {
		Reflect.deleteProperty(navigator, 'storage');
	}
	expect(await linesOfCopy('harbor')).toEqual(before);
	expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ status: 'failed', error: 'storage_full' });
});

test('after “Lock now” no token is used any more, and the reading goes on once it is opened', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	const { enableLock, lockNow, unlock } = await import('../../../sw/wallet/lock.js');
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
	await enableLock({ key, credentialId: 'c', salt: 's' });
	await worker.setKeep('harbor', true);
	const { id } = await worker.startKeep('harbor');
	const end = sandbox.faults.hold({ system: 'harbor', match: { endpoint: 'fhir', type: 'Goal' } });
	let locked = false;
	let tokens = 0;
	const ehr = loopback(sandbox.origin);
	network((request: Request) => {
		if (locked && request.headers.has('Authorization')) tokens++;
		return ehr(request);
	});
	const slice = codeOf(worker.runSlice(id));
	await sandbox.faults.held();
	await lockNow();
	locked = true;
	sandbox.faults.release();
	end();
	expect(await slice).toBe('locked');
	const { connectionOf } = await import('../../../sw/jobs/fetch.js');
	expect(await codeOf(connectionOf('harbor'))).toBe('locked');
	expect(tokens).toBe(0);
	locked = false;
	await unlock(key);
	expect(await runToEnd(worker, id)).toMatchObject({ status: 'done' });
});

test('what is known of a connection while it is read has nothing that renews its access', async () => {
	const { refreshToken } = await signIn(sandbox, 'harbor');
	expect(refreshToken).toEqual(expect.any(String));
	const { connectionOf } = await import('../../../sw/jobs/fetch.js');
	expect(JSON.stringify(await connectionOf('harbor'))).not.toContain(refreshToken);
	const worker = await load();
	await worker.leaveConnection('harbor');
	expect(await codeOf(connectionOf('harbor'))).toBe('connection_unknown');
});
