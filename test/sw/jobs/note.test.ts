import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { kill, ORIGIN, setOnline } from '../setup.js';
import { load, runToEnd, send, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 300_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

async function noted() {
	const { listActivity } = await import('../../../sw/wallet/activity.js');
	const { entries } = await listActivity(null, 100);
	return entries.filter(({ what }) => ['sent', 'send_failed', 'downloaded'].includes(what));
}

test('a send is noted once for each source, with whom it went to and what was in it, also when asked again after a death', async () => {
	const { worker, id, receive } = await send(sandbox, ['harbor', 'summit']);
	await runToEnd(worker, id);
	const { lines } = await receive();
	kill();
	await runToEnd(await load(), id);
	const entries = await noted();
	expect(entries.map(({ connectionId }) => connectionId).sort()).toEqual(['harbor', 'summit']);
	expect(entries).toMatchObject([
		{ what: 'sent', to: expect.any(String) },
		{ what: 'sent', to: expect.any(String) },
	]);
	const told = entries.flatMap(({ kinds }) => kinds).reduce((sum, { count }) => sum + count, 0);
	const arrived = [...lines.values()].filter((line) => JSON.parse(line).resourceType !== 'OperationOutcome');
	expect(told).toBe(arrived.length);
	expect(entries.every(({ kinds }) => kinds.every(({ count }) => count > 0))).toBe(true);
});

test('a send that fails is noted with its code, and again when a retry fails too', async () => {
	const { worker, id } = await send(sandbox, ['harbor']);
	sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { status: 403 } });
	await runToEnd(worker, id);
	await runToEnd(worker, id);
	expect(await noted()).toMatchObject([
		{ what: 'send_failed', code: 'nothing_read', connectionId: 'harbor', kinds: [] },
	]);
	await worker.retryJob(id);
	await runToEnd(worker, id);
	expect((await noted()).map(({ what }) => what)).toEqual(['send_failed', 'send_failed']);
	sandbox.faults.reset();
	await worker.retryJob(id);
	await runToEnd(worker, id);
	expect((await noted()).map(({ what }) => what)).toEqual(['sent', 'send_failed', 'send_failed']);
});

test('a collection for oneself is noted as one, with nobody that it went to', async () => {
	const harbor = await signIn(sandbox, 'harbor');
	const worker = await load();
	const { id } = await worker.startCollect(crypto.randomUUID(), [harbor.id]);
	await runToEnd(worker, id);
	expect(await noted()).toMatchObject([{ what: 'downloaded', to: null, providerName: harbor.provider.name }]);
});

test('what waits or was cancelled is not noted', async () => {
	const { worker, id } = await send(sandbox, ['harbor']);
	setOnline(false);
	expect(await worker.runSlice(id)).toMatchObject({ job: { status: 'waiting' } });
	expect(await noted()).toEqual([]);
	await worker.cancelJob(id);
	expect(await noted()).toEqual([]);
});
