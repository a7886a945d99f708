/** The relay's socket: what is refused before there is a request, who is cut, and how it stops. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { open, startOnSocket, until } from './socket.js';
import { claimed, random, temporaryDirectory } from './support.js';
import { get, watched } from './watched.js';

/** The problem details of a raw answer. */
function problemOf(text: string) {
	const [head = '', body = ''] = text.split('\r\n\r\n');
	expect(head).toMatch(/^content-type: application\/problem\+json$/im);
	return JSON.parse(body) as { code: string; status: number; correlationId: string };
}

describe('what is no request', () => {
	test.each([
		['no HTTP at all', 'secret secret\r\n\r\n'],
		['a header that is none', 'GET / HTTP/1.1\r\nHost: a\r\nsecret\r\n\r\n'],
		['two lengths', 'PUT /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
		[
			'a length and chunks',
			'PUT /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
		],
		['a line that is too long', `GET /secret${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
		['headers that are too many', `GET / HTTP/1.1\r\nHost: a\r\n${'X-Secret: 1\r\n'.repeat(2000)}\r\n`],
		['no host', 'GET /secret HTTP/1.1\r\n\r\n'],
		['two hosts', 'GET /secret HTTP/1.1\r\nHost: a\r\nHost: secret\r\n\r\n'],
		['a host twice', 'GET /secret HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
		['a target that is no URL', 'GET /secret\\ HTTP/1.1\r\nHost: a\r\n\r\n'],
		['a tunnel', 'CONNECT secret:443 HTTP/1.1\r\nHost: secret:443\r\n\r\n'],
	])('is refused without an echo, and logged under the id that is answered: %s', async (_, sent) => {
		const { relay, lines } = await startOnSocket();
		const { socket, closed } = await open(relay.port);
		socket.write(sent);
		const { text } = await closed;
		expect(text).toMatch(/^HTTP\/1\.1 400 /);
		expect(text).toMatch(/^X-Content-Type-Options: nosniff$/im);
		expect(text).not.toMatch(/secret/i);
		const { code, correlationId } = problemOf(text);
		expect(code).toBe('bad_request');
		expect(lines).toMatchObject([{ fields: { code, correlationId } }]);
		expect(JSON.stringify(lines)).not.toMatch(/secret|127\.0\.0\.1/i);
	});

	test.each(['a b', '[', 'a:99999'])('is refused for its host "%s"', async (host) => {
		const { relay } = await startOnSocket();
		const { socket, closed } = await open(relay.port);
		socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
		const { text } = await closed;
		expect(text).toMatch(/^HTTP\/1\.1 400 /);
		expect(problemOf(text).code).toBe('bad_request');
	});

	test('is not what HTTP/1.0 sends without a host, or what expects something that nobody knows', async () => {
		const { relay } = await startOnSocket();
		for (const head of ['HTTP/1.0', 'HTTP/1.1\r\nHost: a\r\nExpect: secret\r\nConnection: close']) {
			const { socket, closed } = await open(relay.port);
			socket.write(`GET ${routes.live} ${head}\r\n\r\n`);
			expect((await closed).text).toMatch(/^HTTP\/1\.1 200 /);
		}
	});

	test('is given up when its headers do not come in time', async () => {
		const { relay } = await startOnSocket({ headerSeconds: 1 });
		const { socket, closed } = await open(relay.port);
		socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-');
		const { text } = await closed;
		expect(text).toMatch(/^HTTP\/1\.1 408 /);
		expect(problemOf(text).code).toBe('request_timeout');
	});

	test('is nobody’s fault when a connection was opened beforehand and never used', async () => {
		const { relay, lines } = await startOnSocket({ headerSeconds: 1 });
		const { closed } = await open(relay.port);
		expect(await closed).toEqual({ text: '', reset: false });
		expect(lines).toEqual([]);
	});
});

describe('a refusal before the end of the body', () => {
	async function refused(sent: (session: { sid: string; owner: string }) => string) {
		const setup = await startOnSocket({ partBytes: 100_000 });
		const session = await claimed(setup);
		const { socket, closed, text } = await open(setup.relay.port);
		socket.write(sent(session));
		await until(() => text().includes('\r\n\r\n'));
		// The client has not looked yet, and goes on sending.
		const rest = randomBytes(50_000);
		for (let at = 0; at < 40; at++) {
			socket.write(rest);
			await sleep(20);
		}
		socket.end();
		return closed;
	}
	const head = (method: string, path: string, more: string[]) =>
		`${[`${method} ${path} HTTP/1.1`, 'Host: a', ...more].join('\r\n')}\r\n\r\n`;

	test('reaches a client that sends on for a while: a part that is announced too large', async () => {
		const { text, reset } = await refused(({ sid, owner }) =>
			head('PUT', routes.part(sid, random(16), 0), [`Authorization: Bearer ${owner}`, 'Content-Length: 2000000']),
		);
		expect(text).toMatch(/^HTTP\/1\.1 413 /);
		expect(reset).toBe(false);
	});

	test('reaches a client that sends on for a while: JSON of a length that nobody told', async () => {
		const { text, reset } = await refused(
			({ sid }) => `${head('PUT', routes.session(sid), ['Transfer-Encoding: chunked'])}1e8480\r\n${'x'.repeat(20_000)}`,
		);
		expect(text).toMatch(/^HTTP\/1\.1 413 /);
		expect(reset).toBe(false);
	});
});

/** The warnings of this process from now on. */
function warnings() {
	const names: string[] = [];
	const note = ({ name, message }: Error) => void names.push(`${name}: ${message}`);
	process.on('warning', note);
	onTestFinished(() => void process.off('warning', note));
	return names;
}

describe('no listener is left behind', () => {
	test('by bodies that come after their refusal', async () => {
		const { port } = await watched((_, response) => response.end('no'));
		const warned = warnings();
		const { socket, text } = await open(port);
		for (let n = 1; n <= 15; n++) {
			socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n');
			await until(() => text().split('no').length > n);
			socket.write('abc');
		}
		expect(warned).toEqual([]);
		socket.destroy();
	});

	test('by polls that wait at the same time', async () => {
		const setup = await startOnSocket();
		const warned = warnings();
		const session = await claimed(setup);
		const polls = Array.from({ length: 15 }, () => session.wait(25));
		await sleep(200);
		await setup.relay.close();
		expect((await Promise.all(polls)).map(({ status }) => status)).toEqual(polls.map(() => 204));
		expect(warned).toEqual([]);
	});
});

describe('a reader', () => {
	test('who takes nothing of an answer is cut', async () => {
		const { port, cut } = await watched((_, response) => response.end(Buffer.alloc(64 * 1024 * 1024)));
		const socket = connect(port, '127.0.0.1').pause();
		socket.on('error', () => undefined);
		socket.write(get());
		while ((await cut()).length === 0) await sleep(10);
		expect(await cut()).toEqual([['slow_reader', 1]]);
		socket.resume();
		await until(() => socket.destroyed);
	});

	test('who waits for an answer, or a part of one that is not there yet, is not', async () => {
		let answer: () => void = () => undefined;
		const { port, cut } = await watched((_, response) => {
			setTimeout(() => response.write('begun'), 500);
			answer = () => response.end('ended');
		});
		const { socket, text } = await open(port);
		socket.write(get());
		await until(() => text().includes('begun'));
		await sleep(500);
		answer();
		await until(() => text().includes('ended'));
		expect(await cut()).toEqual([]);
		socket.destroy();
	});

	const LONG = 24 * 1024 * 1024;

	/** Writes 64 KiB after 64 KiB, as they are taken, to one who pauses after `before` octets and goes on to the end. */
	async function interrupted(before: number, limits: { minRate: number; patienceMs?: number }) {
		const { server, port, cut } = await watched(async (_, response) => {
			response.setHeader('Connection', 'close');
			for (let n = 0; n < LONG; n += 65_536) if (!response.write(Buffer.alloc(65_536))) await once(response, 'drain');
			response.end();
		}, limits);
		server.setTimeout(100);
		const socket = connect(port, '127.0.0.1');
		let taken = 0;
		socket.on('data', (chunk) => {
			taken += chunk.length;
		});
		socket.write(get());
		await until(() => taken > before);
		socket.pause();
		await sleep(1000);
		socket.resume();
		await until(() => socket.destroyed);
		return { taken, cut: await cut() };
	}

	test('who takes enough on the average is not, in however few steps', async () => {
		const { taken, cut } = await interrupted(LONG / 2, { minRate: 500_000, patienceMs: 50 });
		expect(taken).toBeGreaterThan(LONG);
		expect(cut).toEqual([]);
	});

	test('who pauses is not idle: only where nothing waits is a connection closed for that', async () => {
		const { taken, cut } = await interrupted(0, { minRate: 1 });
		expect(taken).toBeGreaterThan(LONG);
		expect(cut).toEqual([]);
	});

	test('and a body that nobody reads is not listened to for ever', async () => {
		const { port } = await watched((_, response) => response.end('no'));
		const { socket, closed } = await open(port);
		socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx');
		expect((await closed).text).toContain('no');
	});
});

describe('a relay that stops', () => {
	const LONG = 20_000;

	test('ends idle connections at once: used ones, unused ones, and what becomes idle later', async () => {
		const setup = await startOnSocket({ stopSeconds: 600 });
		const session = await claimed(setup);
		const [unused, used, waiting] = await Promise.all([1, 2, 3].map(() => open(setup.relay.port)));
		used!.socket.write(`GET ${routes.live} HTTP/1.1\r\nHost: a\r\n\r\n`);
		await until(() => used!.text().includes('ok'));
		const poll = `GET ${routes.manifest(session.sid)}?wait=25 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${session.read}`;
		waiting!.socket.write(`${poll}\r\n\r\n`);
		await sleep(100);
		await setup.relay.close();
		await Promise.all([unused!.closed, used!.closed]);
		const { text, reset } = await waiting!.closed;
		expect(text).toMatch(/^HTTP\/1\.1 204 /);
		expect(text).toMatch(/^connection: close$/im);
		expect(reset).toBe(false);
	});

	test('lets an upload finish and says that the connection ends', { timeout: LONG }, async () => {
		const setup = await startOnSocket({ stopSeconds: 600 });
		const session = await claimed(setup);
		const data = randomBytes(1000);
		const { socket, closed } = await open(setup.relay.port);
		const digest = createHash('sha256').update(data).digest('base64');
		socket.write(
			`PUT ${routes.part(session.sid, random(16), 0)} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${session.owner}\r\nContent-Length: 1000\r\nContent-Digest: sha-256=:${digest}:\r\n\r\n`,
		);
		socket.write(data.subarray(0, 500));
		await sleep(100);
		const stopped = setup.relay.close();
		await expect(fetch(`http://127.0.0.1:${setup.relay.port}${routes.live}`)).rejects.toThrow();
		socket.write(data.subarray(500));
		const { text } = await closed;
		expect(text).toMatch(/^HTTP\/1\.1 201 /);
		expect(text).toMatch(/^connection: close$/im);
		await stopped;
	});

	test('waits for an upload that does not end no longer than it is told to', { timeout: LONG }, async () => {
		const setup = await startOnSocket({ stopSeconds: 1 });
		const session = await claimed(setup);
		const { socket, closed } = await open(setup.relay.port);
		socket.write(
			`PUT ${routes.part(session.sid, random(16), 0)} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${session.owner}\r\nContent-Length: 1000\r\nContent-Digest: sha-256=:${'A'.repeat(43)}=:\r\n\r\nx`,
		);
		await sleep(100);
		await setup.relay.close();
		expect((await closed).text).toBe('');
	});
});

describe('the process', () => {
	/** Main, as it is started, but for the bundle. */
	async function run(environment: Record<string, string>) {
		const vite = `import { createServer } from 'vite';
const server = await createServer({ configFile: false, appType: 'custom', logLevel: 'error', server: { middlewareMode: true, hmr: false, ws: false, watch: null } });
await server.ssrLoadModule('/relay/server/main.ts');
await server.close();`;
		const child = spawn(process.execPath, ['--input-type=module', '-e', vite], {
			cwd: new URL('../../../', import.meta.url),
			env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', DATA_DIR: temporaryDirectory(), ...environment },
		});
		onTestFinished(() => void child.kill('SIGKILL'));
		let output = '';
		child.stdout.on('data', (chunk) => {
			output += chunk;
		});
		child.stderr.on('data', (chunk) => {
			output += chunk;
		});
		const exited = once(child, 'close').then(([code]) => ({ code, output }));
		await until(() => output.includes('listening'));
		const port = Number(/"origin":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(output)?.[1]);
		return { child, port, exited, output: () => output };
	}

	test('ends well when it is told to stop', async () => {
		const { child, port, exited } = await run({});
		await open(port);
		child.kill('SIGINT');
		const { code, output } = await exited;
		expect(output).toContain('"stopped"');
		expect(code).toBe(0);
	});

	test('ends at once when it is told twice', async () => {
		const { child, port, exited, output } = await run({ STOP_SECONDS: '600' });
		const { socket } = await open(port);
		socket.write(`PUT ${routes.session(random(16))} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{`);
		await sleep(100);
		child.kill('SIGTERM');
		await until(() => output().includes('stopping'));
		child.kill('SIGTERM');
		expect((await exited).code).toBe(1);
	});
});
