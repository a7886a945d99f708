/** Parts on their way out of a socket: what ends them, and what they hold until then. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { routes } from '../../../relay/contract.js';
import type { RelayConfig } from '../../../relay/server/config/config.js';
import { open, startOnSocket, until } from './socket.js';
import { claimed, expectProblem, random } from './support.js';

/** More than the system keeps for a socket. */
const LONG = 16_000_000;

async function parked(bytes: number, given: Partial<RelayConfig> = {}) {
	const setup = await startOnSocket(given);
	const session = await claimed(setup);
	const bid = random(16);
	expect((await session.put(bid, 0, randomBytes(bytes))).status).toBe(201);
	const directory = join(setup.dataDir, 'sessions', session.sid);
	const file = join(directory, readdirSync(directory).find((name) => name.startsWith(bid))!);
	const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'info')];
	onTestFinished(() => {
		for (const spy of printed) spy.mockRestore();
	});
	const path = routes.part(session.sid, bid, 0);
	const request = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${session.read}\r\n\r\n`;
	const nothingPrinted = () => {
		for (const spy of printed) expect(spy).not.toHaveBeenCalled();
	};
	return { ...setup, session, path, file, directory, request, nothingPrinted, ask: () => session.get(bid, 0) };
}

/** How many files of a folder this process has open. */
function openIn(directory: string) {
	return readdirSync('/proc/self/fd').filter((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
		} catch {
			return false;
		}
	}).length;
}

describe('a download', () => {
	test('of octets that are not there any more is refused in words', async () => {
		const { ask, file, nothingPrinted } = await parked(1000);
		rmSync(file);
		await expectProblem(await ask(), 404, 'part_not_found');
		nothingPrinted();
	});

	test('whose octets go meanwhile is cut, and logged under its id, without a path', async () => {
		const { relay, session, dataDir, file, request, lines, nothingPrinted } = await parked(LONG);
		const { socket, closed, text } = await open(relay.port);
		socket.write(request);
		await until(() => text().length > 100_000);
		socket.pause();
		truncateSync(file, 0);
		socket.resume();
		const all = (await closed).text;
		expect(all).toMatch(/^HTTP\/1\.1 200 /);
		expect(all.length).toBeLessThan(LONG);
		const [asked, broken] = lines.slice(-2);
		expect(asked?.fields).toMatchObject({ method: 'GET', route: routes.part(':sid', ':bid', ':n') });
		expect(broken?.text).toBe('download broke off');
		expect(broken?.fields).toMatchObject({ code: 'session_gone', correlationId: asked?.fields.correlationId });
		expect(inspect(lines, { depth: 9 })).not.toMatch(new RegExp(`${session.sid}|${dataDir}`));
		nothingPrinted();
	});

	test.runIf(process.platform === 'linux')(
		'whose client goes has no file open, however many requests came with it',
		async () => {
			const { relay, directory, request } = await parked(LONG);
			const { socket } = await open(relay.port);
			socket.pause();
			socket.write(request.repeat(5));
			await until(() => openIn(directory) > 0);
			await sleep(100);
			socket.destroy();
			await until(() => openIn(directory) === 0);
		},
	);

	test('keeps its place until its client goes; when all are taken, others are told to come again', async () => {
		const { relay, ask, request } = await parked(LONG, { uploadsPerSession: 2 });
		const readers = [await open(relay.port), await open(relay.port)] as const;
		for (const { socket, text } of readers) {
			socket.write(request);
			await until(() => text().length > 0);
			socket.pause();
		}
		const refused = await ask();
		expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
		await expectProblem(refused, 429, 'too_many_requests');
		readers[0].socket.destroy();
		await until(async () => {
			const answer = await ask();
			await answer.body?.cancel();
			return answer.status === 200;
		});
		readers[1].socket.destroy();
	});

	test('of which only the head is asked for takes no place', async () => {
		const { call, session, path } = await parked(1_000_000, { uploadsPerSession: 1 });
		for (let n = 0; n < 3; n++) {
			const answer = await call('HEAD', path, { token: session.read });
			expect(answer.status).toBe(200);
			expect(answer.headers.get('Content-Length')).toBe('1000000');
		}
	});
});
