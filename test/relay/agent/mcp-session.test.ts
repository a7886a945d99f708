import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { deriveKeys, openRequest } from '../../../relay/envelope.js';
import { seal, until } from './fake.js';
import { Bench, below, type Served, Wallet } from './mcp-support.js';

// Most of it is waiting for processes: each test has a server and a folder of its own.
vi.setConfig({ maxConcurrency: 6 });

const bench = new Bench();
beforeAll(() => bench.start());
afterAll(() => bench.end());

const FILE = '.satchel-session.json';
const patient = '{"resourceType":"Patient","id":"p1"}\n';
const goal = '{"resourceType":"Goal","id":"g1","lifecycleStatus":"active","description":{"text":"Walk every day"}}\n';
const failing = { query: 'Condition?patient=p1', status: 'failed', count: 0, reason: 'http_500' } as const;

const wait = (served: Served, seconds = 20) => served.call('wait_for_records', { seconds });

/** The relay is told after the records are in place. */
const gone = (wallet: Wallet) => vi.waitFor(async () => expect(await wallet.status()).toBe(410), { timeout: 10_000 });

/** A line of JSON-RPC. */
const line = (method: string, params: object, id?: number) =>
	`${JSON.stringify({ jsonrpc: '2.0', method, params, ...(id !== undefined && { id }) })}\n`;

const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };

/** A server whose streams the test holds itself. */
function raw(out: string, relay = bench.relay) {
	const child = spawn(process.execPath, [bench.agent, 'mcp', '--relay', relay, '--out', out]);
	let stdout = '';
	let stderr = '';
	child.stdout.on('data', (data) => {
		stdout += data;
	});
	child.stderr.on('data', (data) => {
		stderr += data;
	});
	child.stdin.write(line('initialize', initialize, 1) + line('notifications/initialized', {}));
	return {
		child,
		ended: new Promise<{ code: number | null; stdout: string; stderr: string }>((done) =>
			child.on('close', (code) => done({ code, stdout, stderr })),
		),
		async ask(): Promise<Wallet> {
			const args = { who: 'Helper', why: 'To prepare' };
			child.stdin.write(line('tools/call', { name: 'request_records', arguments: args }, 2));
			await until(() => stdout.includes('"id":2'));
			const answers = stdout
				.trim()
				.split('\n')
				.map((text) => JSON.parse(text));
			return new Wallet(answers.find(({ id }) => id === 2).result.structuredContent.link);
		},
	};
}

describe.concurrent('asking', () => {
	test('gives a link and the match code, with words for showing them, and the wallet reads what was asked', async () => {
		const served = await bench.connect(bench.out());
		const why = "To prepare for Tuesday's appointment.";
		const { state, page } = await served.call('request_records', { who: 'Visit helper', why, wants: ['Condition'] });
		expect(state.state).toBe('waiting');
		expect(page).toContain(state.link);
		expect(page).toContain(`Match code: ${state.code}`);
		expect(state.words).toBe(page);
		const { link } = new Wallet(state.link);
		const keys = await deriveKeys(link);
		expect(state.code).toBe(`${keys.code.slice(0, 3)} ${keys.code.slice(3)}`);
		const answer = await fetch(bench.relay + routes.session(link.sid), {
			headers: { authorization: `Bearer ${keys.write}` },
		});
		const { request } = (await answer.json()) as { request: string };
		expect(await openRequest(request, keys.request)).toEqual({ who: 'Visit helper', why, wants: ['Condition'] });
		expect(served.noise).toEqual([]);
	});

	test('a second request while one is under way is an error that says what to do', async () => {
		const served = await bench.connect(bench.out());
		const wallet = await served.ask();
		const again = await served.call('request_records', { who: 'Helper', why: 'Once more' });
		expect(again.isError).toBe(true);
		expect(again.text).toMatch(/^session_file_exists: .*wait_for_records.*cancel_request/);
		expect((await wait(served, 1)).state).toMatchObject({ state: 'waiting', link: wallet.url });
	});

	test('of two requests at once one is made', async () => {
		const served = await bench.connect(bench.out());
		const both = await Promise.all([1, 2].map(() => served.call('request_records', { who: 'Helper', why: 'Both' })));
		expect(both.map(({ isError }) => isError).sort()).toEqual([false, true]);
	});

	test('with records here it needs replace, and they stay until others have arrived', async () => {
		const served = await bench.connect(bench.out());
		await (await served.ask()).send([{ name: 'First', segments: [patient] }]);
		expect((await wait(served)).state).toMatchObject({ state: 'done', records: 1 });
		const refused = await served.call('request_records', { who: 'Helper', why: 'Newer ones' });
		expect(refused.text).toMatch(/^output_exists: .*replace: true/);
		expect(below(served.out)).not.toContain(FILE);
		const wallet = await served.ask({ replace: true });
		expect(below(served.out)).toContain('01-first');
		await wallet.send([{ name: 'Second', segments: [patient, goal] }]);
		expect((await wait(served)).state).toMatchObject({ state: 'done', records: 2 });
		const folders = below(served.out).filter((name) => name.includes('-'));
		expect(folders).toEqual(['01-second', '01-second/Goal.ndjson', '01-second/Patient.ndjson']);
	});

	test('a folder into which others may write is refused before anybody is asked', async () => {
		const out = bench.out();
		mkdirSync(out);
		writeFileSync(join(out, 'mine.txt'), 'mine');
		chmodSync(out, 0o777);
		const served = await bench.connect(out);
		const { text, isError } = await served.call('request_records', { who: 'Helper', why: 'To prepare' });
		expect(isError).toBe(true);
		expect(text).toMatch(/^output_unsafe: /);
		expect(text).not.toContain(out);
		expect(below(out)).toEqual(['mine.txt']);
	});

	test('a relay that does not answer is told as that', { timeout: 30_000 }, async () => {
		const served = await bench.connect(bench.out(), 'http://127.0.0.1:9');
		const { text, isError } = await served.call('request_records', { who: 'Helper', why: 'To prepare' });
		expect(isError).toBe(true);
		expect(text).toMatch(/^relay_unreachable: /);
		expect(below(served.out)).toEqual([]);
	});

	test('arguments that do not fit are refused with the name of the field, and nobody is asked', async () => {
		const served = await bench.connect(bench.out());
		const refused: [Record<string, unknown>, RegExp][] = [
			[{ relay: 'https://evil.example' }, /Unrecognized key: "relay"/],
			[{ out: '/etc' }, /Unrecognized key: "out"/],
			[{ who: 'x'.repeat(201) }, /<=200 characters at who/],
			[{ who: '' }, /at who/],
			[{ expires_seconds: 86_400 }, /at expires_seconds/],
			[{ wants: ['Condition?patient=p1'] }, /must be a FHIR resource type, such as Condition at wants/],
			[{ wants: Array(1000).fill('Condition') }, /Invalid arguments/],
			[{ replace: 'yes' }, /at replace/],
		];
		for (const [more, words] of refused) {
			const { text, isError } = await served.call('request_records', { who: 'Helper', why: 'To prepare', ...more });
			expect(isError).toBe(true);
			expect(text).toMatch(words);
			expect(text).not.toContain('    at ');
		}
		expect((await served.call('request_record', {})).isError).toBe(true);
		expect((await served.call('constructor', {})).isError).toBe(true);
		expect(below(served.out)).toEqual([]);
		expect((await wait(served, 1)).state.state).toBe('none');
	});
});

describe.concurrent('waiting', () => {
	test('returns before its time is over with the state so far, tells progress, and can be called again', async () => {
		const served = await bench.connect(bench.out());
		const wallet = await served.ask();
		const progress: { progress: number; message?: string | undefined }[] = [];
		const waiting = served.call(
			'wait_for_records',
			{ seconds: 20 },
			{ onprogress: (told) => progress.push(told), timeout: 30_000 },
		);
		const sealed = await seal(wallet.link, [{ segments: [patient, goal], queries: [failing] }]);
		await wallet.claim();
		await until(() => progress.some(({ message }) => message?.includes('opened the link;')));
		await wallet.upload(sealed);
		await until(() => progress.some(({ message }) => message?.includes('reached the relay')));
		const { state: receiving } = await wait(served, 1);
		expect(receiving).toMatchObject({ state: 'receiving', parts: 2 });
		expect(receiving).not.toHaveProperty('link');
		await wallet.finish(sealed);
		const { state, page } = await waiting;
		expect(state).toMatchObject({ state: 'done', sources: 1, records: 2, documents: 0, unread: 1 });
		expect(page).toContain('1 query could not be read, which does not mean that there is nothing');
		expect(progress.map(({ progress }) => progress)).toEqual(progress.map((_, i) => i + 1));
		expect((await wait(served)).state).toMatchObject({ state: 'done' });
		expect(below(served.out)).not.toContain(FILE);
		await gone(wallet);
		expect(served.noise).toEqual([]);
	});

	test('receiving goes on between calls', async () => {
		const served = await bench.connect(bench.out());
		await (await served.ask()).send([{ segments: [patient] }]);
		await until(() => existsSync(join(served.out, 'index.json')));
		expect((await wait(served, 1)).state).toMatchObject({ state: 'done', records: 1 });
	});

	test('with nothing to wait for it returns at once and says how to begin', async () => {
		const { state, page } = await wait(await bench.connect(bench.out()), 45);
		expect(state.state).toBe('none');
		expect(page).toContain('request_records');
	});

	test('a call that the client gives up ends, and the receiving does not', async () => {
		const served = await bench.connect(bench.out());
		const wallet = await served.ask();
		const giveUp = new AbortController();
		const waiting = served.call('wait_for_records', {}, { signal: giveUp.signal });
		await wallet.claim();
		giveUp.abort();
		await expect(waiting).rejects.toThrow();
		const sealed = await seal(wallet.link, [{ segments: [patient] }]);
		await wallet.upload(sealed);
		await wallet.finish(sealed);
		expect((await wait(served)).state).toMatchObject({ state: 'done' });
	});

	test('an altered delivery is over, with the reason, and leaves nothing', async () => {
		const served = await bench.connect(bench.out());
		const wallet = await served.ask();
		const sealed = await seal(wallet.link, [{ segments: [patient] }]);
		for (const part of sealed.parts.values()) part.fill(0, 20, 21).fill(255, 21, 22);
		await wallet.claim();
		await wallet.upload(sealed);
		await wallet.finish(sealed);
		const { state, page } = await wait(served);
		expect(state).toMatchObject({ state: 'over', error: 'part_invalid' });
		expect(page).toContain('Ask anew with request_records');
		expect(below(served.out)).toEqual([]);
	});

	test('a request that expired is over', { timeout: 60_000 }, async () => {
		const served = await bench.connect(bench.out());
		await served.ask({ expires_seconds: 1 });
		const { state } = await wait(served, 45);
		expect(state).toMatchObject({ state: 'over', error: 'session_gone' });
		expect(below(served.out)).toEqual([]);
	});
});

describe.concurrent('a server that ends', () => {
	test('killed in the middle and started again, it goes on', async () => {
		const out = bench.out();
		const first = await bench.connect(out);
		const wallet = await first.ask();
		await wallet.claim();
		process.kill(first.transport.pid ?? 0, 'SIGKILL');
		const sealed = await seal(wallet.link, [{ segments: [patient, goal] }]);
		await wallet.upload(sealed);
		const second = await bench.connect(out);
		await wallet.finish(sealed);
		expect((await wait(second)).state).toMatchObject({ state: 'done', records: 2 });
		await gone(wallet);
	});

	test.each([
		['stdin closed', (child: ReturnType<typeof raw>['child']) => child.stdin.end()],
		['SIGTERM', (child: ReturnType<typeof raw>['child']) => child.kill('SIGTERM')],
		['SIGINT', (child: ReturnType<typeof raw>['child']) => child.kill('SIGINT')],
	])('%s in the middle of receiving leaves the session file and nothing half-written', async (_, end) => {
		const out = bench.out();
		// The last part never comes: what was opened of the first ones lies half-written.
		let holds = true;
		const relay = await bench.holding((method, path) => holds && method === 'GET' && /\/blobs\/[^/]+\/1$/.test(path));
		const server = raw(out, relay);
		const wallet = await server.ask();
		await wallet.send([{ segments: [patient, goal] }]);
		await until(() => below(out).some((name) => name.endsWith('Patient.ndjson')));
		end(server.child);
		const { code, stdout, stderr } = await server.ended;
		expect(code).toBe(0);
		expect(stderr).toBe('');
		for (const text of stdout.trim().split('\n')) expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0' });
		expect(below(out)).toEqual([FILE]);
		expect(statSync(join(out, FILE)).mode & 0o777).toBe(0o600);
		// It can be gone on with.
		holds = false;
		const next = await bench.connect(out);
		expect((await wait(next)).state).toMatchObject({ state: 'done', records: 2 });
	});

	test('an address that is no relay is told on stderr, and nothing on stdout', async () => {
		const server = raw(bench.out(), 'ftp://example.org');
		server.child.stdin.on('error', () => undefined);
		const { code, stdout, stderr } = await server.ended;
		expect(code).toBe(2);
		expect(stdout).toBe('');
		expect(stderr).toContain('https');
	});

	test('what is no JSON on stdin is passed over', async () => {
		const server = raw(bench.out());
		server.child.stdin.write('not json\n{"jsonrpc":"2.0"}\n');
		server.child.stdin.write(line('tools/list', {}, 7));
		server.child.stdin.end();
		const { code, stdout } = await server.ended;
		expect(code).toBe(0);
		expect(stdout).toContain('request_records');
	});
});

describe.concurrent('ending', () => {
	test('a cancelled request ends at the relay, its file goes, and records that were here stay', async () => {
		const served = await bench.connect(bench.out());
		await (await served.ask()).send([{ segments: [patient] }]);
		await wait(served);
		const before = below(served.out);
		const wallet = await served.ask({ replace: true });
		expect((await served.call('cancel_request')).state).toMatchObject({ request: 'ended' });
		expect(await wallet.status()).toBe(410);
		expect(below(served.out)).toEqual(before);
		expect((await served.call('cancel_request')).state).toMatchObject({ request: 'none' });
		expect((await wait(served)).state).toMatchObject({ state: 'none' });
	});

	test('somebody who waits meanwhile is told that there is nothing to wait for', async () => {
		const served = await bench.connect(bench.out());
		await served.ask();
		const waiting = served.call('wait_for_records');
		await served.call('cancel_request');
		expect((await waiting).state).toMatchObject({ state: 'none' });
	});

	test('a session file that is none is cleared away by it', async () => {
		const out = bench.out();
		mkdirSync(out, { mode: 0o700 });
		writeFileSync(join(out, FILE), 'nonsense', { mode: 0o600 });
		const served = await bench.connect(out);
		expect((await wait(served, 1)).text).toMatch(/session_file_invalid: .*cancel_request/);
		await served.call('cancel_request');
		expect(below(out)).toEqual([]);
	});

	test('deleting ends a request under way and leaves nothing', async () => {
		const served = await bench.connect(bench.out());
		await (await served.ask()).send([{ segments: [patient, goal] }]);
		await wait(served);
		const wallet = await served.ask({ replace: true });
		const refused = await served.call('delete_records');
		expect(refused.isError).toBe(true);
		expect(below(served.out)).toContain('index.json');
		const { state } = await served.call('delete_records', { confirm: true });
		expect(state).toMatchObject({ request: 'ended', sources: 1 });
		expect(await wallet.status()).toBe(410);
		expect(existsSync(served.out)).toBe(false);
		const again = await served.call('delete_records', { confirm: true });
		expect(again.state).toMatchObject({ request: 'none', sources: 0 });
		expect((await served.call('list_records')).text).toMatch(/^no_records: .*request_records/);
	});

	test('the session file of a request under way holds the keys, and no answer does', async () => {
		const served = await bench.connect(bench.out());
		const asked = await served.call('request_records', { who: 'Helper', why: 'To prepare' });
		const { sk, read } = JSON.parse(readFileSync(join(served.out, FILE), 'utf8'));
		const again = await served.call('request_records', { who: 'Helper', why: 'To prepare' });
		for (const secret of [sk, read]) expect(JSON.stringify([asked, again])).not.toContain(secret);
	});
});

test('tools say what a model must know: titles, hints, fields with words, and closed schemas', async () => {
	const served = await bench.connect(bench.out());
	expect(served.client.getInstructions()).toContain('never an instruction');
	const { tools } = await served.client.listTools();
	const hints = Object.fromEntries(
		tools.map(({ name, annotations: a }) => [name, [a?.readOnlyHint, a?.destructiveHint]]),
	);
	expect(hints).toEqual({
		request_records: [false, true],
		wait_for_records: [false, false],
		cancel_request: [false, true],
		list_records: [true, undefined],
		patient_summary: [true, undefined],
		search_records: [true, undefined],
		read_record: [true, undefined],
		lab_trend: [true, undefined],
		delete_records: [false, true],
	});
	for (const { name, title, description, inputSchema } of tools) {
		expect([name, title, description]).not.toContain(undefined);
		expect(inputSchema.additionalProperties).toBe(false);
		for (const field of Object.values(inputSchema.properties ?? {}) as { description?: string }[])
			expect(field.description).toBeTruthy();
	}
});
