/** Requests that come before the ones in front of them have been answered (RFC 9112, section 9.3.2). */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { open, startOnSocket, until } from './socket.js';
import { claimed } from './support.js';
import { get, watched } from './watched.js';

describe('requests that do not wait for answers', () => {
	test('are answered one after another', async () => {
		let [now, most] = [0, 0];
		const { port } = await watched(async (request, response) => {
			most = Math.max(most, ++now);
			await sleep(5);
			now--;
			response.end(`<${request.url}>`);
		});
		const { socket, text } = await open(port);
		socket.write(['/1', '/2', '/3', '/4'].map(get).join(''));
		await until(() => text().includes('</4>'));
		expect(text().match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>', '</4>']);
		expect(most).toBe(1);
		socket.destroy();
	});

	test('are not more than a few, or the connection is cut', async () => {
		let begun = 0;
		const { port, cut } = await watched(() => void begun++);
		const { socket, closed } = await open(port);
		socket.write(get().repeat(400));
		await closed;
		expect(begun).toBe(1);
		expect(await cut()).toEqual([['pipelined', 1]]);
	});

	test('are not answered behind the last answer of a connection', async () => {
		let begun = 0;
		const { port } = await watched((_, response) => {
			begun++;
			setTimeout(() => response.setHeader('Connection', 'close').end('last'), 5);
		});
		const { socket, closed } = await open(port);
		socket.write(get().repeat(3));
		expect((await closed).text.match(/last/g)).toHaveLength(1);
		expect(begun).toBe(1);
	});

	test('do not outlast their client: the poll that waits ends, and those behind it never begin', async () => {
		const setup = await startOnSocket();
		const session = await claimed(setup);
		const { socket } = await open(setup.relay.port);
		const before = setup.lines.length;
		const poll = `GET ${routes.manifest(session.sid)}?wait=25 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${session.read}`;
		socket.write(`${poll}\r\n\r\n`.repeat(5));
		await sleep(100);
		expect(setup.lines.length).toBe(before);
		socket.destroy();
		await until(() => setup.lines.length > before);
		await sleep(100);
		expect(setup.lines.length).toBe(before + 1);
	});
});
