import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { codeOf, kill, ORIGIN, rowsOnDisk, sent, textIn } from '../setup.js';
import { send as begin, load, runToEnd, session, signIn } from './world.js';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 300_000 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const rowsOf = async (kind: string) => (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === kind);
const manifests = () => sent.filter(({ method, url }) => method === 'PUT' && url.endsWith('/manifest'));

/** Resources by type and id as the sandbox has them. */
const record = (system: string) =>
	new Map([...sandbox.resources(system, 'camila')].map(({ type, id, text }) => [`${type}/${id}`, text]));

const send = (ids: string[], afterwards?: 'keep' | 'clear') => begin(sandbox, ids, afterwards);

function faithful(lines: Map<string, string>, folder: RegExp, system: string): void {
	const truth = record(system);
	const mine = [...lines].filter(
		([key, line]) => folder.test(key) && !line.startsWith('{"resourceType":"OperationOutcome"'),
	);
	expect(mine.length).toBeGreaterThan(20);
	for (const [key, line] of mine) {
		const name = key.slice(key.indexOf(' ') + 1);
		if (name.startsWith('Binary/')) continue;
		expect(truth.has(name), name).toBe(true);
		expect(JSON.parse(line), name).toEqual(JSON.parse(truth.get(name) ?? 'null'));
	}
}

test('a send carries two records to the agent, complete and once each', async () => {
	const { worker, id, receive, sid } = await send(['harbor', 'lakeside']);
	const job = await runToEnd(worker, id);
	expect(job).toMatchObject({ status: 'done', error: null });
	expect(job.sources.map(({ step }) => step)).toEqual(['done', 'done']);
	const { index, lines, repeated } = await receive();
	expect(repeated).toEqual([]);
	expect(index.sources.map(({ name }) => name)).toEqual(['Harbor Medical Group', 'Lakeside Health']);
	const folders = [...new Set([...lines.keys()].map((key) => key.split(' ')[0] ?? ''))].sort();
	faithful(lines, new RegExp(`^${folders[0]} `), 'harbor');
	faithful(lines, new RegExp(`^${folders[1]} `), 'lakeside');
	// Everything of the patient's own that this system has.
	const harbor = [...lines.keys()].filter((key) => key.startsWith(`${folders[0]} `));
	for (const type of ['Patient', 'Observation', 'Condition', 'DocumentReference', 'MedicationRequest'])
		expect(harbor.filter((key) => key.includes(` ${type}/`)).length, type).toBe(
			[...record('harbor').keys()].filter((key) => key.startsWith(`${type}/`)).length,
		);
	// Afterwards nothing of the records or the session's secrets is left.
	for (const kind of ['chunk', 'part']) expect(await rowsOf(kind)).toEqual([]);
	expect(await worker.getSession(sid)).toMatchObject({ state: 'sent', secrets: null });
	expect(await worker.getJob(id)).toMatchObject({ manifest: null });
});

test('while it sends nothing of a record, and no token, is in plaintext on disk', async () => {
	const { worker, id, state } = await send(['harbor']);
	let disk = '';
	state.odd = async (request) => {
		if (request.url.endsWith('/manifest')) disk = (await rowsOnDisk()).map(({ value }) => textIn(value)).join('\n');
		return undefined;
	};
	const tokens = (await worker.getConnection('harbor'))!;
	expect((await runToEnd(worker, id)).status).toBe('done');
	expect(disk.length).toBeGreaterThan(1000);
	for (const hidden of ['resourceType', 'Camila', tokens.accessToken, tokens.refreshToken ?? '', tokens.patientId])
		expect(disk).not.toContain(hidden);
});

test('no token of a provider reaches the relay, and no capability a provider', async () => {
	const { worker, id } = await send(['harbor']);
	const { secrets } = await worker.getSession((await worker.getJob(id)).sid ?? '');
	const { accessToken } = (await worker.getConnection('harbor'))!;
	await runToEnd(worker, id);
	for (const { url, headers } of sent) {
		const bearer = headers.get('Authorization') ?? '';
		if (url.startsWith(ORIGIN)) expect([`Bearer ${secrets?.owner}`, `Bearer ${secrets?.keys.write}`]).toContain(bearer);
		else expect(bearer === '' || bearer === `Bearer ${accessToken}`, url).toBe(true);
	}
});

describe('what passes by itself', () => {
	test('stops a send until later, and the send goes on where it stopped', async () => {
		const { worker, id, state, receive } = await send(['harbor']);
		state.odd = ({ url }) =>
			url.startsWith(ORIGIN) ? new Response('', { status: 503, headers: { 'Retry-After': '30' } }) : undefined;
		const before = Date.now();
		const stopped = await runToEnd(worker, id);
		expect(stopped).toMatchObject({ status: 'waiting', error: { code: 'relay_unavailable' }, finishedAt: null });
		expect(stopped.error?.retryAt).toBeGreaterThanOrEqual(before + 30_000);
		expect(stopped.parts).toEqual({ sealed: 1, sent: 0 });
		sent.length = 0;
		// Asked for too early, it rests on.
		expect(await runToEnd(worker, id)).toMatchObject({ status: 'waiting' });
		expect(sent).toEqual([]);
		delete state.odd;
		later(stopped.error?.retryAt);
		expect(await runToEnd(worker, id)).toMatchObject({ status: 'done', parts: { sealed: 1, sent: 1 } });
		// Nothing is read a second time.
		expect(sent.filter(({ url }) => !url.startsWith(ORIGIN))).toEqual([]);
		expect((await receive()).repeated).toEqual([]);
	});

	test('is not the end of a source either: its provider being down is waited out', async () => {
		const { worker, id, state } = await send(['harbor']);
		await worker.updateConnection('harbor', { accessExpiresAt: 0 });
		state.odd = ({ url }) => (url.endsWith('/token') ? new Response('', { status: 502 }) : undefined);
		const stopped = await runToEnd(worker, id);
		expect(stopped).toMatchObject({ status: 'waiting', sources: [{ error: null }] });
		expect((await worker.getConnection('harbor'))?.status).toBe('active');
		delete state.odd;
		later(stopped.error?.retryAt);
		expect((await runToEnd(worker, id)).status).toBe('done');
	});
});

/** Moves the clock to that moment. */
function later(at = 0): void {
	vi.useFakeTimers({ toFake: ['Date'], now: at + 1 });
}
afterEach(() => {
	vi.useRealTimers();
});

test('a session that is over ends the job for good, and says why', async () => {
	const { worker, id, session: agent, relay } = await send(['harbor']);
	const { closeSession } = await import('../../../relay/agent/session.js');
	await closeSession(agent, relay.world);
	expect(await runToEnd(worker, id)).toMatchObject({ status: 'failed', error: { code: 'session_gone' } });
});

test('one query that answers 500 does not end the run, and is reported to the agent', async () => {
	const at = await send(['harbor']);
	sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type: 'Condition' }, action: { status: 500 } });
	const job = await runToEnd(at.worker, at.id);
	expect(job.status).toBe('done');
	expect(job.sources[0]?.kinds.find(({ type }) => type === 'Condition')).toMatchObject({ status: 'failed' });
	const { index, lines } = await at.receive();
	expect(index.sources[0]?.failed.map(({ query }) => query.split('?')[0])).toContain('Condition');
	expect(
		[...lines.values()].some(
			(line) => line.startsWith('{"resourceType":"OperationOutcome"') && line.includes('Condition?'),
		),
	).toBe(true);
});

test('a source of which nothing could be read fails; tried again it starts over and loses nothing', async () => {
	const { worker, id, receive } = await send(['harbor']);
	const heal = sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 403 } });
	expect(await runToEnd(worker, id)).toMatchObject({
		status: 'failed',
		error: { code: 'nothing_read' },
		sources: [{ step: 'failed', error: { code: 'nothing_read' } }],
	});
	expect(manifests()).toEqual([]);
	heal();
	expect(await worker.retryJob(id)).toMatchObject({ status: 'running', error: null });
	expect((await runToEnd(worker, id)).status).toBe('done');
	const { lines, repeated } = await receive();
	expect(repeated).toEqual([]);
	faithful(lines, /./, 'harbor');
});

describe('a send of several goes on without one', () => {
	test('of which nothing was sealed: the others arrive, and it is in no manifest', async () => {
		const { worker, id, receive } = await send(['harbor', 'lakeside']);
		sandbox.faults.add({ system: 'lakeside', match: { endpoint: 'fhir' }, action: { status: 403 } });
		const stopped = await runToEnd(worker, id);
		expect(stopped).toMatchObject({
			status: 'failed',
			sources: [{ error: null }, { error: { code: 'nothing_read' } }],
		});
		expect(await worker.retryJob(id, ['lakeside'])).toMatchObject({ status: 'running', error: null });
		const job = await runToEnd(worker, id);
		expect(job).toMatchObject({
			status: 'done',
			sources: [
				{ step: 'done', error: null },
				{ step: 'failed', resources: 0, error: { code: 'nothing_read' } },
			],
		});
		const { index, lines } = await receive();
		expect(index.sources.map(({ name }) => name)).toEqual(['Harbor Medical Group']);
		faithful(lines, /./, 'harbor');
	});

	test('also from a pause, and whose it is is told', async () => {
		const { worker, id, state, receive } = await send(['harbor', 'lakeside']);
		const { fhirBaseUrl } = (await worker.getConnection('lakeside'))!;
		state.odd = ({ url }) => (url.startsWith(fhirBaseUrl) ? Promise.reject(new TypeError('down')) : undefined);
		const paused = await runToEnd(worker, id);
		expect(paused).toMatchObject({ status: 'waiting', sources: [{ held: null }, { held: { code: 'network' } }] });
		await worker.retryJob(id, ['lakeside']);
		expect((await runToEnd(worker, id)).status).toBe('done');
		expect((await receive()).index.sources.map(({ name }) => name)).toEqual(['Harbor Medical Group']);
	});

	test('of which something was sealed: that stays, and the rest is told as not read', async () => {
		const large = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 12_000_000 });
		try {
			const { worker, id, state, receive } = await begin(large, ['harbor', 'lakeside']);
			const { fhirBaseUrl } = (await worker.getConnection('lakeside'))!;
			state.odd = async ({ url }) => {
				if (!url.startsWith(fhirBaseUrl)) return undefined;
				const { sources } = await worker.getJob(id);
				if (sources[1]?.streams.all?.parts) throw new TypeError('down');
				return undefined;
			};
			expect(await runToEnd(worker, id)).toMatchObject({
				status: 'waiting',
				sources: [{}, { held: { code: 'network' } }],
			});
			await worker.retryJob(id, ['lakeside']);
			const job = await runToEnd(worker, id);
			expect(job).toMatchObject({ status: 'done', sources: [{ step: 'done' }, { step: 'failed' }] });
			const { index, lines, repeated } = await receive();
			expect(repeated).toEqual([]);
			const [, left] = index.sources;
			expect(left?.resources).toBe(job.sources[1]?.resources);
			expect(left?.resources).toBeGreaterThan(0);
			expect(left?.failed).toContainEqual(expect.objectContaining({ status: 'failed', reason: 'left_out' }));
			expect([...lines.values()].some((line) => line.includes('left_out'))).toBe(true);
		} finally {
			await large.close();
		}
	});

	test('but not without all of them', async () => {
		const { worker, id } = await send(['harbor']);
		sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 403 } });
		await runToEnd(worker, id);
		expect(await codeOf(worker.retryJob(id, ['harbor']))).toBe('nothing_selected');
	});
});

test('two calls for a slice of one job share it', async () => {
	const { worker, id } = await send(['harbor']);
	const [a, b] = await Promise.all([worker.runSlice(id), worker.runSlice(id)]);
	expect(a).toBe(b);
	expect(manifests()).toHaveLength(1);
});

test('sending twice answers the same job; a finished one is never sent again', async () => {
	const { worker, id, sid } = await send(['harbor']);
	const [a, b] = await Promise.all([worker.startSend(sid, ['harbor'], 'keep'), worker.startSend(sid, [], 'clear')]);
	expect([a.id, b.id]).toEqual([id, id]);
	await runToEnd(worker, id);
	expect((await worker.startSend(sid, ['harbor'], 'keep')).id).toBe(id);
	expect(await worker.runSlice(id)).toMatchObject({ job: { status: 'done' }, more: false });
	expect(manifests()).toHaveLength(1);
});

test('nothing chosen, an unknown connection and an unknown session are refused before anything starts', async () => {
	const at = await session(sandbox);
	const worker = await load();
	expect(await codeOf(worker.startSend(at.sid, [], 'keep'))).toBe('nothing_selected');
	expect(await codeOf(worker.startSend(at.sid, ['gone'], 'keep'))).toBe('connection_unknown');
	expect(await codeOf(worker.startSend('unknown', ['gone'], 'keep'))).toBe('session_not_found');
	expect(await rowsOf('job')).toEqual([]);
});

test('a 401 in the middle is met with one refresh for all requests, and nothing is missing', async () => {
	const { worker, id, receive } = await send(['harbor']);
	sandbox.faults.expire('harbor', 'access');
	expect((await runToEnd(worker, id)).status).toBe('done');
	expect(sandbox.faults.counts('harbor').refreshes).toBe(1);
	faithful((await receive()).lines, /./, 'harbor');
});

test('a collection for oneself ends in a zip of everything that was read, and of what could not be', async () => {
	await signIn(sandbox, 'harbor');
	sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir', type: 'Goal' }, action: { status: 500 } });
	const worker = await load();
	const { id } = await worker.startCollect(crypto.randomUUID(), ['harbor']);
	const at = await session(sandbox);
	expect(at.sid).toBeTruthy();
	expect(await codeOf(worker.zipResponse(id))).toBe('job_unknown');
	const job = await runToEnd(worker, id);
	expect(job).toMatchObject({ status: 'done', kind: 'collect' });
	kill();
	const { response, done } = await (await load()).zipResponse(id);
	const octets = new Uint8Array(await response.arrayBuffer());
	await done;
	const { unzipSync } = await import('fflate');
	const files = Object.entries(unzipSync(octets));
	const lines = files.flatMap(([name, data]) =>
		name.endsWith('.ndjson') ? new TextDecoder().decode(data).split('\n').filter(Boolean) : [],
	);
	const [told, records] = [true, false].map((is) =>
		lines.filter((text) => is === (JSON.parse(text).resourceType === 'OperationOutcome')),
	);
	expect(records).toHaveLength(job.sources[0]?.resources ?? -1);
	expect(told).toHaveLength(1);
	const index = (path: string) => JSON.parse(new TextDecoder().decode(Object.fromEntries(files)[path]));
	const failed = [{ query: expect.stringMatching(/^Goal\?/), status: 'failed', reason: 'http_500' }];
	expect(index('01-harbor-medical-group/index.json')).toMatchObject({ failed, summary: { failed: 1, refused: 0 } });
	expect(index('index.json')).toMatchObject({
		v: 1,
		sources: [{ folder: '01-harbor-medical-group', resources: records?.length, failed, summary: { failed: 1 } }],
	});
	expect(await codeOf((await load()).zipResponse('other'))).toBe('job_unknown');
});

test('a search that a provider need not know is no loss: neither the person nor the agent is told of one', async () => {
	const { worker, id, receive } = await send(['lakeside']);
	const [source] = (await runToEnd(worker, id)).sources;
	const { index, lines } = await receive();
	const [told] = index.sources;
	expect(told?.queries).toContainEqual(
		expect.objectContaining({
			query: expect.stringMatching(/^Observation.*status=/),
			status: 'refused',
			optional: true,
		}),
	);
	const types = told?.failed.map(({ query }) => query.split('?')[0]);
	expect(types?.sort()).toEqual(['Coverage', 'Provenance']);
	expect(source?.kinds.filter(({ status }) => status !== 'ok' && status !== 'empty').map(({ type }) => type)).toEqual(
		types,
	);
	expect(told?.notes).toHaveProperty('Observation');
	expect([...lines.keys()].filter((key) => key.includes('OperationOutcome'))).toHaveLength(2);
	expect([told?.resources, lines.size]).toEqual([source?.resources, (source?.resources ?? 0) + 2]);
});

test('a page that is too large is asked for in smaller ones, and nothing is missing', async () => {
	const { worker, id, state, receive } = await send(['harbor']);
	const large = /\/Observation\?.*_count=100$/;
	state.odd = ({ url }) =>
		large.test(url) ? new Response('{}', { headers: { 'Content-Length': String(2 ** 30) } }) : undefined;
	expect((await runToEnd(worker, id)).status).toBe('done');
	expect(sent.some(({ url }) => large.test(url))).toBe(true);
	const { lines, index } = await receive();
	expect(index.sources[0]?.failed).toEqual([]);
	expect([...lines.keys()].filter((key) => key.includes(' Observation/'))).toHaveLength(
		[...record('harbor').keys()].filter((key) => key.startsWith('Observation/')).length,
	);
});

test('what is in flight when a slice ends is taken over by the next one, and not asked for again', async () => {
	const { worker, id, state, receive } = await send(['harbor']);
	let answer = () => {};
	const held = new Promise<void>((resolve) => {
		answer = resolve;
	});
	const conditions = /\/Condition\?/;
	state.odd = async ({ url }) => {
		if (conditions.test(url)) await held;
		return undefined;
	};
	const first = worker.runSlice(id);
	await vi.waitFor(() => expect(sent.some(({ url }) => conditions.test(url))).toBe(true), { timeout: 20_000 });
	later(Date.now() + 30_000);
	expect(await first).toMatchObject({ more: true, job: { status: 'running' } });
	vi.useRealTimers();
	answer();
	expect((await runToEnd(worker, id)).status).toBe('done');
	const asked = sent.filter(({ url }) => conditions.test(url)).map(({ url }) => url);
	expect(new Set(asked).size).toBe(asked.length);
	faithful((await receive()).lines, /./, 'harbor');
});
