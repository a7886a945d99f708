import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { kill, killAfter, ORIGIN, sent } from '../setup.js';
import { send as begin, load, runToEnd, session } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 300_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const send = (ids: string[]) => begin(sandbox, ids);
const manifests = () => sent.filter(({ method, url }) => method === 'PUT' && url.endsWith('/manifest'));

describe('a worker that dies', () => {
	test.each([5, 23, 60])(
		'at its operation %i, and at later ones, leaves a send that others complete with the same data',
		async (first) => {
			const baseline = await send(['harbor', 'summit']);
			expect((await runToEnd(baseline.worker, baseline.id)).status).toBe('done');
			const expected = await baseline.receive();
			kill();
			const at = await session(sandbox);
			const job = await (await load()).startSend(at.sid, ['harbor', 'summit'], 'keep');
			let [lives, operations] = [0, first];
			let end: Awaited<ReturnType<typeof runToEnd>> | 'dead' = 'dead';
			// Each life is longer than the one before, so that the end is reached.
			while (end === 'dead') {
				lives++;
				const worker = await load();
				const death = killAfter(operations);
				const run = runToEnd(worker, job.id);
				run.catch(() => {});
				end = await Promise.race([death, run]);
				operations = Math.ceil(operations * 1.2) + 7;
			}
			killAfter(Number.POSITIVE_INFINITY);
			expect(lives).toBeGreaterThan(1);
			expect(end).toMatchObject({ status: 'done', error: null });
			const { lines, repeated } = await at.receive();
			expect(repeated).toEqual([]);
			expect([...lines.keys()].sort()).toEqual([...expected.lines.keys()].sort());
			for (const [key, line] of lines) expect(JSON.parse(line), key).toEqual(JSON.parse(expected.lines.get(key) ?? ''));
		},
		60_000,
	);

	test('between the manifest’s arrival and its own commit sends the same octets again', async () => {
		const { id, state, relay, receive, worker, sid } = await send(['harbor']);
		let arrived = false;
		state.odd = async (request) => {
			if (!request.url.endsWith('/manifest') || arrived) return undefined;
			arrived = true;
			expect((await relay.respond(request)).status).toBe(201);
			kill();
			return new Promise<Response>(() => {});
		};
		worker.runSlice(id).catch(() => {});
		await vi.waitFor(() => expect(arrived).toBe(true), { timeout: 20_000 });
		await new Promise((resolve) => setTimeout(resolve, 10));
		const next = await load();
		expect((await runToEnd(next, id)).status).toBe('done');
		expect(manifests()).toHaveLength(2);
		expect(manifests()[1]?.body).toBe(manifests()[0]?.body);
		expect(await next.getSession(sid)).toMatchObject({ state: 'sent', secrets: null });
		expect((await receive()).repeated).toEqual([]);
	});
});
