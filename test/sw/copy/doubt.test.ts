/** A copy, and a provider that answers less than it did: what is not known to be gone stays, and is told to be old. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { runToEnd, session, signIn } from '../jobs/world.js';
import { kill, loopback, network, ORIGIN } from '../setup.js';
import { keep, linesOfCopy, load, update, type Worker } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 100_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

// biome-ignore lint/suspicious/noExplicitAny: any JSON.
type Edit = (body: any, url: URL) => unknown;

/** The sandbox, whose answers below these paths are edited. */
function edited(edits: Record<string, Edit>): void {
	const ehr = loopback(sandbox.origin);
	network(async (request: Request) => {
		const answer = await ehr(request);
		const url = new URL(request.url);
		const edit = Object.entries(edits).find(([end]) => url.pathname.includes(end))?.[1];
		if (!edit) return answer;
		const response = new Response(JSON.stringify(edit(await answer.json(), url)), { status: 200 });
		Object.defineProperty(response, 'url', { value: request.url });
		response.headers.set('Content-Type', 'application/fhir+json');
		return response;
	});
}

const bundle = (more: object) => ({ resourceType: 'Bundle', type: 'searchset', ...more });

async function sent(worker: Worker) {
	const at = await session(sandbox);
	const job = await worker.startSend(at.sid, ['harbor'], 'keep', { harbor: 'copy' });
	expect(await runToEnd(worker, job.id)).toMatchObject({ status: 'done', error: null });
	return (await at.receive()).index.sources[0]!;
}

const goals = async () => [...(await linesOfCopy('harbor')).keys()].filter((key) => key.startsWith('Goal/')).length;

test.each([
	['entries without resources', { total: 2, entry: [{ response: { status: '503' } }, null] }, 'entry_invalid'],
	['a count and nothing else', { total: 57 }, undefined],
])('a kind that is answered with %s stays, and is told to be from before', async (_, body, reason) => {
	const control = sandbox.records('harbor', 'camila');
	for (const id of ['doubt-1', 'doubt-2'])
		control.put({ resourceType: 'Goal', id, subject: control.patient }, '2025-06-01T00:00:00Z');
	const worker = await keep(sandbox, 'harbor');
	const before = await goals();
	expect(before).toBeGreaterThan(1);
	const { copy } = await worker.copyDetail('harbor');
	await new Promise((resolve) => setTimeout(resolve, 5));
	edited({ '/Goal': () => bundle(body) });
	await update(worker, 'harbor');
	expect(await goals()).toBe(before);
	expect((await worker.copyDetail('harbor')).history[0]).toMatchObject({ removed: 0 });
	const told = (await sent(worker)).queries.filter(({ query }) => query.startsWith('Goal'));
	expect(told.length).toBeGreaterThan(0);
	for (const report of told) expect(report.keptFrom).toBe(new Date(copy!.at).toISOString());
	expect(told[0]?.reason).toBe(reason);
});

/** Provenances name a Practitioner that nothing else names. */
const only = { resourceType: 'Practitioner', id: 'only-1', name: [{ text: 'Dr Only' }] };
const withOnly: Record<string, Edit> = {
	'/Provenance': (body) => ({
		...body,
		entry: [
			...(body.entry ?? []),
			{ resource: { resourceType: 'Provenance', id: 'v1', agent: [{ who: { reference: 'Practitioner/only-1' } }] } },
		],
	}),
	'/Practitioner': (body, url) => {
		if (!url.href.includes('only-1')) return body;
		return url.search ? { ...body, entry: [...(body.entry ?? []), { resource: only }] } : only;
	},
};

test('what is not offered any more stays with all that it refers to, reading after reading, and is told to be from before', async () => {
	await signIn(sandbox, 'harbor');
	const worker = await load();
	edited(withOnly);
	await worker.setKeep('harbor', true);
	await update(worker, 'harbor');
	const has = async () => {
		const lines = await linesOfCopy('harbor');
		return ['Provenance/v1', 'Practitioner/only-1'].map((key) => lines.has(key));
	};
	expect(await has()).toEqual([true, true]);
	const { copy } = await worker.copyDetail('harbor');
	kill();
	const next = await load();
	edited({
		...withOnly,
		'/metadata': (body) => {
			for (const rest of body.rest)
				rest.resource = rest.resource.filter(({ type }: { type: string }) => type !== 'Provenance');
			return body;
		},
	});
	for (let n = 0; n < 2; n++) {
		await update(next, 'harbor');
		expect(await has()).toEqual([true, true]);
	}
	const told = (await sent(next)).queries.filter(({ query }) => query.startsWith('Provenance'));
	const keptFrom = new Date(copy!.at).toISOString();
	expect(told).toMatchObject([{ query: 'Provenance', status: 'refused', reason: 'not_offered', keptFrom }]);
});
