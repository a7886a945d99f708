import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chunks, readText } from '../../../relay/server/http/body.js';
import { eventually, ManualClock } from './support.js';

const EMPTY = new Request('http://relay.test/', { method: 'PUT', body: 'not this one' });

async function length(body: AsyncIterable<Uint8Array>): Promise<number> {
	let bytes = 0;
	for await (const chunk of body) bytes += chunk.length;
	return bytes;
}

/** What a server makes of each request's body. */
async function serve(handle: (incoming: IncomingMessage) => Promise<unknown>): Promise<number> {
	const server = createServer((incoming, outgoing) => {
		handle(incoming).then(
			(value) => outgoing.end(JSON.stringify(value)),
			(cause: { code: string }) => outgoing.writeHead(400).end(JSON.stringify(cause.code)),
		);
	});
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return (server.address() as AddressInfo).port;
}

describe("a body from Node's own stream", () => {
	test('is read whole, and the request is not', async () => {
		const body = Readable.from([Buffer.from('abc'), Buffer.from('def')], { objectMode: false });
		expect(await readText(EMPTY, 100, { body })).toBe('abcdef');
		expect(EMPTY.bodyUsed).toBe(false);
	});

	test('comes through a socket as it was sent, however slowly it is read', async () => {
		const sent = Buffer.alloc(3_000_000, 'octets');
		const port = await serve(async (body) => {
			const read: Uint8Array[] = [];
			for await (const chunk of chunks(EMPTY, { body })) {
				read.push(chunk);
				await new Promise((resolve) => setImmediate(resolve));
			}
			return Buffer.concat(read).equals(sent);
		});
		expect(await (await fetch(`http://127.0.0.1:${port}`, { method: 'PUT', body: sent })).json()).toBe(true);
	});

	test('that was sent before anybody looked is there, and one that is empty ends', async () => {
		const body = new PassThrough();
		body.end('early');
		await new Promise((resolve) => setImmediate(resolve));
		expect(await length(chunks(EMPTY, { body }))).toBe(5);
		expect(await length(chunks(EMPTY, { body }))).toBe(0);
	});

	test('does not pile up while nobody reads', async () => {
		const body = new PassThrough();
		const reading = chunks(EMPTY, { body });
		body.write(Buffer.alloc(100_000));
		await reading.next();
		for (let n = 0; n < 10; n++) body.write(Buffer.alloc(100_000));
		await new Promise((resolve) => setImmediate(resolve));
		expect(body.isPaused()).toBe(true);
		body.end();
		expect(await length(reading)).toBe(1_000_000);
	});

	test('that breaks off is a bad request', async () => {
		let code = '';
		const port = await serve((body) =>
			length(chunks(EMPTY, { body })).catch((cause: { code: string }) => {
				code = cause.code;
			}),
		);
		const upload = httpRequest({ port, host: '127.0.0.1', method: 'PUT', headers: { 'Content-Length': '1000' } });
		upload.once('error', () => undefined);
		upload.write('some of it', () => upload.destroy());
		while (!code) await new Promise((resolve) => setTimeout(resolve, 1));
		expect(code).toBe('bad_request');
	});

	test('that had broken off before is one, too', async () => {
		const body = new PassThrough();
		body.on('error', () => undefined).destroy(new Error('connection lost'));
		await new Promise((resolve) => setImmediate(resolve));
		await expect(length(chunks(EMPTY, { body }))).rejects.toMatchObject({ code: 'bad_request' });
	});

	test('that is not read to its end is left alive for the answer', async () => {
		const body = new PassThrough();
		body.write('one');
		for await (const _ of chunks(EMPTY, { body })) break;
		expect(body.destroyed).toBe(false);
		expect(body.listenerCount('data')).toBe(0);
	});
});

describe.each(['node', 'web'])('a body that comes too slowly (%s)', (kind) => {
	const config = { minRate: 1000, bodySeconds: 60 };

	function slow(length?: number) {
		const clock = new ManualClock();
		const stream = new PassThrough();
		const web = () => Readable.toWeb(stream) as ReadableStream<Uint8Array<ArrayBuffer>>;
		const request =
			kind === 'web'
				? new Request('http://relay.test/', { method: 'PUT', body: web(), duplex: 'half' } as RequestInit)
				: new Request(EMPTY.url, { method: 'PUT', body: 'not this one' });
		if (length !== undefined) request.headers.set('Content-Length', String(length));
		let read = 0;
		let code: string | undefined;
		const done = (async () => {
			for await (const chunk of chunks(request, kind === 'node' ? { body: stream } : {}, { clock, config })) {
				read += chunk.length;
			}
		})().catch((cause: { code: string }) => {
			code = cause.code;
		});
		const send = async (bytes: number) => {
			const all = read + bytes;
			stream.write(Buffer.alloc(bytes));
			await eventually(() => read === all);
		};
		return { clock, stream, send, done, code: () => code, settle: () => new Promise((r) => setTimeout(r, 1)) };
	}

	test('is given up after ten seconds in which nothing came', async () => {
		const { clock, done, code, settle } = slow();
		await settle();
		clock.advance(9999);
		await settle();
		expect(code()).toBeUndefined();
		clock.advance(1);
		await done;
		expect(code()).toBe('request_timeout');
		expect(clock.timers.size).toBe(0);
	});

	test('is given up when it stalls for longer than what came is worth', async () => {
		const { clock, send, done, code, settle } = slow();
		await send(20_000);
		clock.advance(10_000);
		await settle();
		expect(code()).toBeUndefined();
		clock.advance(10_000);
		await done;
		expect(code()).toBe('request_timeout');
	});

	test('is read on as long as it is fast enough on the average', async () => {
		const { clock, stream, send, done, code } = slow();
		for (let second = 0; second < 30; second++) {
			await send(1100);
			clock.advance(1000);
		}
		stream.end();
		await done;
		expect(code()).toBeUndefined();
		expect(clock.timers.size).toBe(0);
	});

	test('is read on beyond that time when it says that it is longer than what comes in it at the rate', async () => {
		const { clock, stream, send, done, code, settle } = slow(100_000);
		for (let second = 0; second < 95; second++) {
			await send(1050);
			clock.advance(1000);
			await settle();
			expect(code()).toBeUndefined();
		}
		stream.end();
		await done;
		expect(code()).toBeUndefined();
		expect(clock.timers.size).toBe(0);
	});

	test('is given up when it takes longer than a body may, however fast it is', async () => {
		const { clock, send, done, code } = slow();
		for (let second = 0; second < 60 && !code(); second++) {
			await send(5000);
			clock.advance(1000);
		}
		await done;
		expect(code()).toBe('request_timeout');
	});
});

test('time in which the relay itself was busy is not held against the client', async () => {
	const clock = new ManualClock();
	const body = new PassThrough();
	const reading = chunks(EMPTY, { body }, { clock, config: { minRate: 1000, bodySeconds: 60 } });
	body.write('some');
	await reading.next();
	clock.advance(50_000);
	body.end('more');
	expect(Buffer.from((await reading.next()).value ?? []).toString()).toBe('more');
	expect((await reading.next()).done).toBe(true);
});
