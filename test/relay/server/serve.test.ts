import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LIMITS, routes } from '../../../relay/contract.js';
import type { RelayConfig } from '../../../relay/server/config/config.js';
import { freePort } from '../../tools/free-port.js';
import { startOnSocket, until } from './socket.js';
import { claimed, expectProblem, jwe, partHeaders, party, random, sha256, temporaryDirectory } from './support.js';

const start = (given: Partial<RelayConfig> = {}) => startOnSocket({ host: 'localhost', ...given });

const staged = (dataDir: string) => readdir(join(dataDir, 'staging'));

/** An upload that the test writes by hand. */
function rawUpload(port: number, session: { sid: string; owner: string }, bid: string, data: Uint8Array) {
	const request = httpRequest({
		port,
		host: '127.0.0.1',
		method: 'PUT',
		path: routes.part(session.sid, bid, 0),
		headers: { ...partHeaders(data), Authorization: `Bearer ${session.owner}` },
	});
	const status = new Promise<number>((resolve, reject) => {
		request.once('response', (response) => {
			response.resume();
			resolve(response.statusCode ?? 0);
		});
		request.once('error', reject);
	});
	return { request, status };
}

describe('the relay on a socket', () => {
	test('is there on both loopback addresses, and gone after it was closed', async () => {
		const { relay } = await start();
		expect(relay.origin).toBe(`http://localhost:${relay.port}`);
		for (const host of ['localhost', '127.0.0.1', '[::1]']) {
			const answer = await fetch(`http://${host}:${relay.port}${routes.health}`).catch((cause: unknown) => {
				if (host === '[::1]') return null;
				throw cause;
			});
			if (!answer) console.warn('this machine has no ::1: only 127.0.0.1 was tried');
			else expect(await answer.json()).toEqual({ status: 'ok' });
		}
		await relay.close();
		await expect(fetch(relay.origin + routes.health)).rejects.toThrow();
		await relay.close();
	});

	test('says where people reach it when that is configured', async () => {
		const { relay } = await start({ baseUrl: 'https://satchel.example', host: '127.0.0.1' });
		expect(relay.origin).toBe('https://satchel.example');
	});

	test('does not start on a port that is taken', async () => {
		const { relay } = await start();
		await expect(start({ port: relay.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
	});

	test('does not start, and frees the port, where it cannot keep data', async () => {
		const file = join(temporaryDirectory(), 'file');
		await writeFile(file, '');
		const port = await freePort();
		await expect(start({ port, dataDir: file })).rejects.toMatchObject({ code: 'EEXIST' });
		expect((await start({ port })).relay.port).toBe(port);
	});

	test('started a second time by mistake leaves the data of the first alone', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data] = [random(16), randomBytes(100_000)];
		const { request, status } = rawUpload(setup.relay.port, session, bid, data);
		request.write(data.subarray(0, 50_000));
		await until(async () => (await staged(setup.dataDir)).length === 1);
		const { port } = setup.relay;
		await expect(start({ port, dataDir: setup.dataDir })).rejects.toMatchObject({ code: 'EADDRINUSE' });
		request.end(data.subarray(50_000));
		expect(await status).toBe(201);
	});

	test('carries the largest part there and back, whole', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data] = [random(16), randomBytes(LIMITS.partBytes)];
		expect((await session.put(bid, 0, data)).status).toBe(201);
		const answer = await session.get(bid, 0);
		expect(answer.headers.get('Content-Length')).toBe(String(data.length));
		expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(data));
		await session.send();
		expect((await session.end()).status).toBe(204);
		await expectProblem(await session.get(bid, 0), 410, 'session_gone');
		expect(existsSync(join(setup.dataDir, 'sessions', session.sid))).toBe(false);
	});

	test('refuses a part that is announced too large before it is sent', async () => {
		const setup = await start({ partBytes: 1000 });
		const session = await claimed(setup);
		const { request, status } = rawUpload(setup.relay.port, session, random(16), new Uint8Array(1001));
		request.flushHeaders();
		expect(await status).toBe(413);
		request.destroy();
	});

	test('keeps nothing of an upload whose connection breaks', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data] = [random(16), randomBytes(1_000_000)];
		const { request, status } = rawUpload(setup.relay.port, session, bid, data);
		request.write(data.subarray(0, 400_000));
		await until(async () => (await staged(setup.dataDir)).length === 1);
		request.destroy();
		await expect(status).rejects.toThrow();
		await until(async () => (await staged(setup.dataDir)).length === 0);
		expect(await (await session.list(session.owner)).json()).toEqual({ blobs: {} });
		expect((await session.put(bid, 0, data)).status).toBe(201);
	});

	test('wakes a long poll with the manifest', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const waiting = session.wait(25);
		const manifest = jwe();
		await session.send(manifest);
		expect(await (await waiting).text()).toBe(manifest);
	});

	test('forgets a long poll whose client has gone', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const client = new AbortController();
		const waiting = session.wait(25, session.read, client.signal);
		waiting.catch(() => undefined);
		const polls = () => setup.lines.filter(({ fields }) => fields.method === 'GET').length;
		await sleep(50);
		expect(polls()).toBe(0);
		client.abort();
		await until(() => polls() === 1);
		await expect(waiting).rejects.toThrow();
	});

	test('ends long polls and finishes uploads when it is closed', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data] = [random(16), randomBytes(100_000)];
		const upload = rawUpload(setup.relay.port, session, bid, data);
		upload.request.write(data.subarray(0, 50_000));
		await until(async () => (await staged(setup.dataDir)).length === 1);
		const waiting = session.wait(25);
		await sleep(50);
		const closed = setup.relay.close();
		expect((await waiting).status).toBe(204);
		upload.request.end(data.subarray(50_000));
		expect(await upload.status).toBe(201);
		await closed;
		expect(await readdir(join(setup.dataDir, 'sessions', session.sid))).toContain(`${bid}.0.${sha256(data)}`);
	});

	test.each(['/../../etc/passwd', '/assets/../../../etc/passwd', '//etc/passwd', 'http://other.example/'])(
		'survives the raw request target %s',
		async (target) => {
			const { relay } = await start();
			const answer = await new Promise<string>((resolve, reject) => {
				const socket = connect(relay.port, '127.0.0.1');
				let text = '';
				socket.once('error', reject);
				socket.on('data', (chunk) => {
					text += chunk;
				});
				socket.once('close', () => resolve(text));
				socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
			});
			expect(answer).toMatch(/^HTTP\/1\.1 (503|404|400) /);
			expect(answer).not.toContain('root:');
			expect((await fetch(relay.origin + routes.health)).status).toBe(200);
		},
	);

	test('remembers its sessions after a restart', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data] = [random(16), randomBytes(1000)];
		await session.put(bid, 0, data);
		await setup.relay.close();
		const again = party(await start({ dataDir: setup.dataDir }), session.sid);
		const answer = await again.get(bid, 0, session.read);
		expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(data));
	});
});
