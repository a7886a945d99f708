import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { codeOf, kill, ORIGIN, rowsOnDisk, sent } from '../setup.js';
import { send as begin, load, runToEnd, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 300_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const send = (ids: string[], afterwards?: 'keep' | 'clear') => begin(sandbox, ids, afterwards);
const rowsOf = async (kind: string) => (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === kind);
const manifests = () => sent.filter(({ method, url }) => method === 'PUT' && url.endsWith('/manifest'));

test('“clear” removes what was made for this session, and only that', async () => {
	await signIn(sandbox, 'summit');
	const { worker, id, sid } = await send(['harbor'], 'clear');
	await worker.updateConnection('harbor', { newForSession: sid });
	await worker.updateConnection('summit', { newForSession: 'another-session' });
	await runToEnd(worker, id);
	expect((await worker.listConnections()).map(({ id }) => id)).toEqual(['summit']);
	expect(sent.some(({ url, body }) => url.includes('/harbor/') && body.includes('token_type_hint'))).toBe(true);
});

test('“keep” makes what was made for this session the person’s own', async () => {
	const { worker, id, sid } = await send(['harbor'], 'keep');
	await worker.updateConnection('harbor', { newForSession: sid });
	await runToEnd(worker, id);
	expect(await worker.listConnections()).toMatchObject([{ id: 'harbor', newForSession: null }]);
});

test('cancelling in the middle deletes every row of the job', async () => {
	const { worker, id, state } = await send(['harbor']);
	let seen = 0;
	state.odd = async ({ url }) => {
		if (!url.startsWith(ORIGIN) && ++seen === 10) void worker.cancelJob(id);
		return undefined;
	};
	expect(await worker.runSlice(id)).toMatchObject({ job: { status: 'cancelled' }, more: false });
	await worker.cancelJob(id);
	for (const kind of ['job', 'chunk', 'part']) expect(await rowsOf(kind)).toEqual([]);
	expect(await codeOf(worker.runSlice(id))).toBe('job_unknown');
	expect(manifests()).toEqual([]);
});

test('clearing everything in the middle of a send leaves an empty wallet that works', async () => {
	const { worker, id, state } = await send(['harbor']);
	let cleared: Promise<unknown> | undefined;
	state.odd = async ({ url, method }) => {
		if (method !== 'PUT' || !url.startsWith(ORIGIN)) return undefined;
		cleared ??= worker.clearEverything();
		await cleared;
		return undefined;
	};
	await worker.runSlice(id).catch(() => {});
	await cleared;
	expect(await rowsOnDisk()).toEqual([]);
	kill();
	await signIn(sandbox, 'summit');
	expect(await (await load()).listConnections()).toHaveLength(1);
});
