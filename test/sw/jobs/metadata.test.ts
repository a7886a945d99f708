/** What is read, and told, where a server does not say what it can do. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { keep, linesOfCopy, load as loadCopies, update } from '../copy/world.js';
import { kill, ORIGIN } from '../setup.js';
import { load, runToEnd, session, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 200_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** Answers `/metadata` so. */
function metadata(action: object, times?: number): void {
	sandbox.faults.add({ system: 'harbor', match: { endpoint: 'metadata', ...(times && { times }) }, action });
}

async function sent(wants: string[] = []) {
	await signIn(sandbox, 'harbor');
	const at = await session(sandbox);
	const worker = await load();
	if (wants.length > 0) await worker.updateSession(at.sid, { request: { who: 'a', why: 'b', wants } });
	const job = await worker.startSend(at.sid, ['harbor'], 'keep');
	const done = await runToEnd(worker, job.id);
	expect(done).toMatchObject({ status: 'done' });
	const { index } = await at.receive();
	return { kinds: done.sources[0]!.kinds, source: index.sources[0]! };
}

test('a server that is busy for a moment is asked again, and nothing is missing', async () => {
	metadata({ status: 503 }, 2);
	const { source } = await sent();
	expect(source.failed).toEqual([]);
	// US Core alone does not have it.
	expect(source.types.Provenance).toBeGreaterThan(0);
});

test.each([
	['503 throughout', { status: 503 }, 'http_503'],
	['HTML', { status: 200, body: '<html></html>' }, 'not_json'],
	['something else', { status: 200, body: '{"resourceType":"Bundle"}' }, 'not_as_asked'],
])('%s: agent and person hear that what else there may be is not known', async (_, action, reason) => {
	metadata(action);
	const { source, kinds } = await sent();
	expect(source.failed).toMatchObject([{ query: 'CapabilityStatement', status: 'failed', reason }]);
	expect(kinds).toContainEqual(expect.objectContaining({ type: 'CapabilityStatement', status: 'failed' }));
	expect(source.types.Observation).toBeGreaterThan(0);
});

test('what a session asked for by name is then not said to be lacking', async () => {
	metadata({ status: 404 });
	const { source } = await sent(['Goal', 'Claim']);
	expect(source.failed).toMatchObject([{ query: 'Claim', status: 'failed', reason: 'http_404' }]);
});

test('a copy keeps what it had, says from when, and is whole again with the next reading', async () => {
	await keep(sandbox, 'harbor');
	const before = await linesOfCopy('harbor');
	kill();
	metadata({ status: 404 });
	const worker = await loadCopies();
	await update(worker, 'harbor');
	expect(await linesOfCopy('harbor')).toEqual(before);
	const kinds = async () => (await worker.copyDetail('harbor')).kinds;
	const [kept, unread] = ['Provenance', 'CapabilityStatement'].map((type) => ({
		type,
		status: 'failed',
		reasons: ['http_404'],
	}));
	expect(await kinds()).toMatchObject(
		expect.arrayContaining([kept, unread].map((one) => expect.objectContaining(one))),
	);
	sandbox.faults.reset();
	await update(worker, 'harbor');
	expect((await kinds()).filter(({ status }) => status !== 'ok' && status !== 'empty')).toEqual([]);
});
