/** Providers whose answers have no measure: what they send is delivered as far as it can be, and so is everybody else's. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { ORIGIN } from '../setup.js';
import { load, runToEnd, session, signIn } from './world.js';

vi.setConfig({ testTimeout: 60_000 });

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 50_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** Sends two records of which the first's `type` is answered with `resource`, as text. */
async function deliver(type: string, resource: (patientId: string) => string) {
	const { patientId } = await signIn(sandbox, 'harbor');
	await signIn(sandbox, 'lakeside');
	const at = await session(sandbox);
	at.state.odd = (request) => {
		const { pathname, href } = new URL(request.url);
		if (!href.includes('harbor') || !pathname.endsWith(`/${type}`)) return undefined;
		const response = new Response(`{"resourceType":"Bundle","entry":[{"resource":${resource(patientId)}}]}`);
		Object.defineProperty(response, 'url', { value: request.url });
		return response;
	};
	const worker = await load();
	const job = await runToEnd(worker, (await worker.startSend(at.sid, ['harbor', 'lakeside'], 'keep')).id);
	expect(job).toMatchObject({ status: 'done', error: null, sources: [{ error: null }, { error: null }] });
	return at.receive();
}

test('a record with thousands of documents elsewhere is delivered, with how many they are', async () => {
	const content = Array.from({ length: 8000 }, (_, i) => ({
		attachment: { url: `https://documents.elsewhere.test/${'patients/'.repeat(15)}${i}.pdf` },
	}));
	const { index } = await deliver('DocumentReference', (id) =>
		JSON.stringify({ resourceType: 'DocumentReference', id: 'd', subject: { reference: `Patient/${id}` }, content }),
	);
	const told = index.sources[0]!.failed.filter(({ reason }) => reason === 'other_origin');
	const named = told.flatMap(({ query }) => query.split('?_id=')[1]?.split(',') ?? []);
	expect(named.length + told.reduce((sum, { count }) => sum + count, 0)).toBe(8000);
	expect(index.sources[1]!.resources).toBeGreaterThan(10);
});

test('a resource as deep as a page is long keeps nobody’s records from being delivered', async () => {
	const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
	const { lines } = await deliver('Goal', () => `{"resourceType":"Goal","id":"deep","subject":${deep}}`);
	expect([...lines.keys()].some((key) => key.endsWith('Goal/deep'))).toBe(true);
});
