import { describe, expect, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { open, startOnSocket, until } from './socket.js';
import { claimed, eventually, expectProblem, random, type Setup, setUp } from './support.js';

const LOCAL = 'http://127.0.0.1:8787';
/** A name that is not this machine's. */
const ELSEWHERE = 'http://relay.test';
const TOKEN = 'a-token-of-sixteen';

function ask({ relay }: Pick<Setup, 'relay'>, headers: HeadersInit = {}, address = '127.0.0.1', origin = LOCAL) {
	return relay(new Request(origin + routes.metrics, { headers }), { address });
}

const text = async (setup: Setup) => (await ask(setup)).text();

describe('metrics', () => {
	test('count requests by route, refusals by code and what became of sessions', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await session.put(random(16), 0, new Uint8Array(10));
		await session.send();
		await session.info(random(32));
		await session.end();
		await setup.call('GET', `/api/${session.sid}`);
		const counted = await text(setup);
		for (const line of [
			'satchel_requests_total{method="PUT",route="/api/sessions/:sid",status="2xx"} 1',
			'satchel_requests_total{method="PUT",route="/api/sessions/:sid/blobs/:bid/:n",status="2xx"} 1',
			'satchel_requests_total{method="GET",route="/api/sessions/:sid",status="4xx"} 1',
			'satchel_request_seconds_count{method="PUT",route="/api/sessions/:sid/manifest"} 1',
			'satchel_refusals_total{code="session_not_found"} 1',
			'satchel_refusals_total{code="not_found"} 1',
			'satchel_sessions_total{event="created"} 1',
			'satchel_sessions_total{event="finalised"} 1',
			'satchel_sessions_total{event="removed"} 1',
		]) {
			expect(counted.split('\n')).toContain(line);
		}
		expect(counted).toMatch(/^process_resident_memory_bytes \d+/m);
		expect(counted).toMatch(/^nodejs_eventloop_lag_seconds /m);
		if (process.platform === 'linux') expect(counted).toMatch(/^process_open_fds \d+/m);
		for (const secret of [session.sid, session.read, '192.0.2.1']) expect(counted).not.toContain(secret);
	});

	test('count a session once, however often its making is repeated', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await session.create();
		expect(await text(setup)).toContain('satchel_sessions_total{event="created"} 1\n');
	});

	test('tell how many long polls wait, and uploads are under way', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const poll = 'satchel_requests_under_way{method="GET",route="/api/sessions/:sid/manifest"}';
		const waiting = session.wait(25);
		await eventually(() => setup.clock.timers.size > 0);
		expect(await text(setup)).toContain(`${poll} 1\n`);
		setup.stopping.abort();
		await waiting;
		expect(await text(setup)).toContain(`${poll} 0\n`);

		let send: (octets: Uint8Array) => void = () => undefined;
		const body = new ReadableStream<Uint8Array>({
			start(controller) {
				send = (octets) => {
					controller.enqueue(octets);
					controller.close();
				};
			},
		});
		const upload = 'satchel_requests_under_way{method="PUT",route="/api/sessions/:sid/blobs/:bid/:n"}';
		const headers = { 'Content-Length': '5', 'Content-Digest': `sha-256=:${'A'.repeat(43)}=:` };
		const path = routes.part(session.sid, random(16), 0);
		const putting = setup.call('PUT', path, { token: session.owner, body, headers });
		expect(await text(setup)).toContain(`${upload} 1\n`);
		send(new Uint8Array(5));
		await expectProblem(await putting, 422, 'digest_mismatch');
		expect(await text(setup)).toContain(`${upload} 0\n`);
	});

	test('have no label that somebody else can choose', async () => {
		const setup = await setUp();
		for (const method of ['PROPFIND', 'REPORT']) await setup.call(method, `/${random(16)}`);
		const counted = await text(setup);
		expect(counted).toContain('satchel_requests_total{method="other",route="none",status="4xx"} 2');
	});
});

describe('metrics are read', () => {
	test('without a token by programs on this machine alone', async () => {
		const setup = await setUp();
		for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
			const answer = await ask(setup, {}, address);
			expect(answer.status).toBe(200);
			expect(answer.headers.get('Content-Type')).toContain('version=0.0.4');
			expect(answer.headers.get('Cache-Control')).toBe('no-store');
		}
		for (const address of ['192.0.2.1', '10.0.0.1', '2001:db8::1', '', '127.0.0.1.evil.example']) {
			await expectProblem(await ask(setup, {}, address), 404, 'not_found');
		}
		await expectProblem(await setup.relay(new Request(LOCAL + routes.metrics)), 404, 'not_found');
	});

	test.each([
		['X-Forwarded-For', '127.0.0.1'],
		['X-Forwarded-Host', 'localhost'],
		['Forwarded', 'for=127.0.0.1'],
		['X-Real-IP', '127.0.0.1'],
	])('by nobody through a proxy that sets %s', async (name, value) => {
		for (const trustProxy of [false, true]) {
			await expectProblem(await ask(await setUp({ trustProxy }), { [name]: value }), 404, 'not_found');
		}
	});

	test('by no page whose name was turned to this machine', async () => {
		await expectProblem(await ask(await setUp(), {}, '127.0.0.1', ELSEWHERE), 404, 'not_found');
	});

	test('with a token by whoever has it, and by nobody else', async () => {
		const setup = await setUp({ metricsToken: TOKEN });
		const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
		expect((await ask(setup, bearer(TOKEN), '192.0.2.1', ELSEWHERE)).status).toBe(200);
		for (const headers of [{}, bearer(''), bearer(`${TOKEN}x`), bearer(TOKEN.slice(1)), { Authorization: TOKEN }]) {
			await expectProblem(await ask(setup, headers), 404, 'not_found');
		}
	});

	test('tell how much room there is, where the store knows', async () => {
		const setup = await setUp();
		setup.store.free = async () => 12_345;
		expect(await (await ask(setup)).text()).toContain('satchel_free_bytes{store="disk"} 12345');
		Object.assign(setup.store, { free: async () => null });
		expect(await (await ask(setup)).text()).not.toMatch(/^satchel_free_bytes/m);
	});

	test('count connections and what went over them', async () => {
		const setup = await startOnSocket();
		const session = await claimed(setup);
		const octets = new Uint8Array(100_000);
		const bid = random(16);
		await session.put(bid, 0, octets);
		await (await session.get(bid, 0)).arrayBuffer();
		const { socket, closed } = await open(setup.relay.port);
		const read = async (name: string) => {
			const text = await (await setup.call('GET', routes.metrics)).text();
			return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
		};
		expect(await read('satchel_received_bytes_total')).toBeGreaterThan(octets.length);
		expect(await read('satchel_sent_bytes_total')).toBeGreaterThan(octets.length);
		const before = await read('satchel_connections');
		expect(before).toBeGreaterThan(1);
		socket.destroy();
		await closed;
		await until(async () => (await read('satchel_connections')) < before);
	});
});
