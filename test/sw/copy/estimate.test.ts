import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { runToEnd, session, signIn } from '../jobs/world.js';
import { kill, ORIGIN, sent, setOnline } from '../setup.js';
import { keep, linesOfCopy, load, update } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 200_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const toProvider = () => sent.filter(({ url }) => url.startsWith(sandbox.origin));
const octets = (lines: Map<string, string>) =>
	[...lines.values()].reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

test.each([[[]], [['Goal', 'DocumentReference']], [['Observation']]] as const)(
	'from the copy, about what a session that asks for %j gets is known, and nobody is asked',
	async (wants) => {
		const { estimate } = await keep(sandbox, 'harbor');
		sent.length = 0;
		const [one] = await estimate(['harbor'], { harbor: 'copy' }, [...wants]);
		const lines = await linesOfCopy('harbor', [...wants]);
		expect(one).toMatchObject({ connectionId: 'harbor', basis: 'copy' });
		// What is referred to is counted as a whole.
		const most = wants.length > 0 ? 2 : 1;
		for (const [said, is] of [
			[one!.resources!, lines.size],
			[one!.bytes!, octets(lines)],
		] as const) {
			expect(said).toBeGreaterThanOrEqual(is);
			expect(said).toBeLessThanOrEqual(most * is);
		}
		expect(one!.tokens).toBeGreaterThan(0);
		expect(one!.tokens).toBeLessThanOrEqual(one!.bytes! / 3);
		expect(sent).toEqual([]);
	},
);

test('after a download, the last reading tells, whatever failed in it', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	const first = await worker.startCollect('first', ['harbor']);
	const { sources } = await runToEnd(worker, first.id);
	const { resources } = sources[0]!;
	const counts = await worker.expectedCounts('harbor');
	expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(resources);
	sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type: 'Observation' }, action: { status: 500 } });
	await runToEnd(worker, (await worker.startCollect('second', ['harbor'])).id);
	expect((await worker.expectedCounts('harbor')).Observation).toBe(counts.Observation);
	sent.length = 0;
	const [one] = await worker.estimate(['harbor'], {}, []);
	expect(one).toMatchObject({ basis: 'last', resources });
	const [goals] = await worker.estimate(['harbor'], {}, ['Goal']);
	expect(goals!.resources).toBeLessThan(resources / 2);
	expect(sent).toEqual([]);
});

test('a send of some types says nothing of the others', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	await runToEnd(worker, (await worker.startCollect('first', ['harbor'])).id);
	const before = await worker.expectedCounts('harbor');
	const at = await session(sandbox);
	await worker.updateSession(at.sid, { request: { who: 'a', why: 'b', wants: ['Goal'] } });
	await runToEnd(worker, (await worker.startSend(at.sid, ['harbor'], 'keep')).id);
	expect(await worker.expectedCounts('harbor')).toEqual(before);
});

test('a connection that was never read is counted by its provider, once a day', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	sent.length = 0;
	const [one] = await worker.estimate(['harbor'], {}, []);
	expect(one).toMatchObject({ basis: 'counted', at: expect.any(Number) });
	for (const { url } of toProvider()) expect(url).toMatch(/\/metadata$|_summary=count/);
	const held = [...sandbox.resources('harbor', 'camila')].filter(({ type }) => type === 'Observation').length;
	const [observations] = await worker.estimate(['harbor'], {}, ['Observation']);
	expect(observations!.resources).toBeGreaterThanOrEqual(held);
	expect(observations!.resources).toBeLessThan(one!.resources!);
	sent.length = 0;
	kill();
	expect(await (await load()).estimate(['harbor'], {}, [])).toEqual([one]);
	expect(sent).toEqual([]);
});

test.each([
	['harbor', 'linnea'],
	['heritage', 'camila'],
	['bayside', 'linnea'],
	['lakeside', 'camila'],
])('counted at %s for %s, it is at most twice or half of what comes', async (id, username) => {
	await signIn(sandbox, id, {}, username);
	const worker = await load();
	const [one] = await worker.estimate([id], {}, []);
	const job = await worker.startCollect(crypto.randomUUID(), [id]);
	const [source] = (await runToEnd(worker, job.id)).sources;
	expect(one!.basis).toBe('counted');
	for (const of of ['resources', 'bytes'] as const) {
		const share = (one![of] ?? 0) / source![of];
		expect(share).toBeGreaterThan(0.5);
		expect(share).toBeLessThan(2);
	}
});

test('a total that cannot be is not believed, and a provider that counts nothing makes nothing known', async () => {
	await signIn(sandbox, 'harbor');
	sandbox.faults.add({
		system: 'harbor',
		match: { endpoint: 'fhir', url: 'patient=' },
		action: { status: 200, body: '{"resourceType":"Bundle","total":1e9}' },
	});
	const worker = await load();
	const [one] = await worker.estimate(['harbor'], {}, []);
	expect(one).toEqual({
		connectionId: 'harbor',
		basis: 'unknown',
		at: null,
		resources: null,
		bytes: null,
		tokens: null,
	});
});

test('who estimates at the same moment asks once, and a provider that does not count is left alone for a while', async () => {
	await signIn(sandbox, 'harbor');
	sandbox.faults.add({
		system: 'harbor',
		match: { endpoint: 'fhir', url: '_summary=count' },
		action: { status: 400 },
	});
	const { estimate } = await load();
	sent.length = 0;
	await Promise.all([estimate(['harbor'], {}, []), estimate(['harbor'], {}, ['Goal'])]);
	const asked = toProvider().map(({ url }) => url);
	expect(asked.length).toBeGreaterThan(5);
	expect(new Set(asked).size).toBe(asked.length);
	sent.length = 0;
	kill();
	expect(await (await load()).estimate(['harbor'], {}, [])).toMatchObject([{ basis: 'unknown' }]);
	expect(sent).toEqual([]);
});

test('nobody is asked offline, nor while a backup has paused renewing', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	sent.length = 0;
	setOnline(false);
	expect(await worker.estimate(['harbor'], {}, [])).toMatchObject([{ basis: 'unknown' }]);
	setOnline(true);
	const { commit } = await import('../../../sw/wallet/rows.js');
	await commit([{ key: ['paused'], value: { since: Date.now() } }]);
	expect(await worker.estimate(['harbor'], {}, [])).toMatchObject([{ basis: 'unknown' }]);
	expect(sent).toEqual([]);
});

test('a fetch of a connection that has a copy is estimated by it', async () => {
	const worker = await keep(sandbox, 'harbor');
	await update(worker, 'harbor');
	const [one] = await worker.estimate(['harbor'], {}, []);
	expect(one).toMatchObject({ basis: 'copy', resources: (await linesOfCopy('harbor')).size });
});

test('what is not there any more is unknown', async () => {
	expect(await (await load()).estimate(['gone'], {}, [])).toMatchObject([{ basis: 'unknown', resources: null }]);
});
