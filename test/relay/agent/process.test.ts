import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLink } from '../../../relay/link.js';
import { builtAgent } from './built.js';
import { deliver } from './delivery-support.js';
import { Stage, seal, until } from './fake.js';

const patient = '{"resourceType":"Patient","id":"p1"}\n';
let outDir: string;
let cli: string;

beforeAll(async () => {
	outDir = mkdtempSync(join(tmpdir(), 'satchel-agent-cli-'));
	cli = await builtAgent(outDir);
});

/** Whether a process has a file of this name open; where nobody can tell, that it may have. */
function isReading(pid: number, name: string): boolean {
	const folder = `/proc/${pid}/fd`;
	if (!existsSync('/proc/self/fd')) return true;
	try {
		return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)).endsWith(name));
	} catch {
		return false;
	}
}

const children: ChildProcess[] = [];
const servers: { close: () => unknown }[] = [];
afterAll(() => {
	for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
	for (const server of servers) server.close();
	rmSync(outDir, { recursive: true, force: true });
});

/** The relay of `s` on a socket of this machine. */
async function listen(s: Stage): Promise<string> {
	const server = createServer(async (incoming, outgoing) => {
		const chunks: Buffer[] = [];
		for await (const chunk of incoming) chunks.push(chunk);
		const request = new Request(`http://localhost${incoming.url}`, {
			method: incoming.method ?? 'GET',
			headers: incoming.headers as Record<string, string>,
			...(chunks.length && { body: Buffer.concat(chunks) }),
		});
		const response = await s.relay.fetch(request);
		outgoing.writeHead(response.status, Object.fromEntries(response.headers));
		outgoing.end(Buffer.from(await response.arrayBuffer()));
	});
	servers.push(server);
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts the command; `on` sees each event. */
function start(argv: string[], on: (event: { event: string; url: string }, child: ChildProcess) => unknown) {
	const child = spawn(process.execPath, [cli, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
	children.push(child);
	const stderr: string[] = [];
	child.stderr.on('data', (data) => stderr.push(String(data)));
	const events: string[] = [];
	createInterface({ input: child.stdout }).on('line', (line) => {
		const event = JSON.parse(line);
		events.push(event.event);
		on(event, child);
	});
	return new Promise<{ code: number | null; events: string[]; stderr: string }>((done) => {
		child.on('close', (code) => done({ code, events, stderr: stderr.join('') }));
	});
}

test('the process receives over a socket and exits with 0', async () => {
	const s = new Stage();
	s.clock = Date.now();
	const argv = ['request', '--relay', await listen(s), '--out', s.out, '--who', 'Helper', '--why', 'To prepare'];
	const { code, events, stderr } = await start(argv, ({ event, url }) => {
		if (event === 'link') s.send(parseLink(url), [{ segments: [patient] }]);
	});
	expect(events).toEqual(['link', 'claimed', 'receiving', 'done']);
	expect(code).toBe(0);
	expect(stderr).not.toContain('Warning');
	expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
	'%s in the middle of receiving exits with 130 and leaves the session alone',
	async (signal) => {
		const s = new Stage();
		s.clock = Date.now();
		let kill: () => unknown = () => {};
		s.relay.intercept = ({ url }) => {
			if (!url.endsWith('/1')) return undefined;
			expect(s.left().some((name) => name.startsWith('.receiving-'))).toBe(true);
			kill();
			// The answer never comes: only the signal ends the wait.
			return new Promise(() => {});
		};
		const argv = ['request', '--relay', await listen(s), '--out', s.out, '--who', 'Helper', '--why', 'To prepare'];
		const { code, events } = await start(argv, ({ event, url }, child) => {
			kill = () => child.kill(signal);
			if (event === 'link') s.send(parseLink(url), [{ segments: [patient, patient] }]);
		});
		expect(events.at(-1)).toBe('error');
		expect(code).toBe(130);
		expect(s.left()).toEqual(['.satchel-session.json']);
	},
);

test('SIGINT while waiting, with sealed parts fetched already, leaves nothing but the session', async () => {
	const s = new Stage();
	s.clock = Date.now();
	const staged = () =>
		readdirSync(s.out, { recursive: true, encoding: 'utf8' }).filter((name) => /\.sealed$/.test(name));
	const argv = ['request', '--relay', await listen(s), '--out', s.out, '--who', 'Helper', '--why', 'To prepare'];
	const { code, events } = await start(argv, async ({ event, url }, child) => {
		if (event !== 'link') return;
		const link = parseLink(url);
		s.upload(link, await seal(link, [{ segments: [patient, patient] }]));
		await until(() => staged().length === 2);
		child.kill('SIGINT');
	});
	expect(events).toEqual(['link', 'claimed', 'receiving', 'error']);
	expect(code).toBe(130);
	expect(s.left()).toEqual(['.satchel-session.json']);
});

test.skipIf(process.platform === 'win32')(
	'a signal ends the answering of a question',
	{ timeout: 60_000 },
	async () => {
		const one = { resourceType: 'Condition', code: { text: 'Gout' }, note: [{ text: 'x'.repeat(200) }] };
		const resources = Array.from({ length: 60_000 }, (_, n) => ({ ...one, id: `c${n}` }));
		const out = await deliver({ resources });
		for (const end of ['SIGINT', 'SIGTERM'] as const) {
			const child = spawn(process.execPath, [cli, 'search', 'gout', '--out', out], {
				stdio: ['ignore', 'pipe', 'pipe'],
			});
			children.push(child);
			const told: string[] = [];
			for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => told.push(String(data)));
			const ended = new Promise<number | null>((done) => child.on('close', done));
			// It has begun to read when the file is open.
			await until(() => isReading(child.pid ?? 0, 'Condition.ndjson') || child.exitCode !== null);
			child.kill(end);
			expect(await ended, told.join('')).toBe(130);
			expect(told.join('')).toMatch(/^interrupted: Interrupted\./);
		}
	},
);
