import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerError, createRpc } from '../../app/rpc.js';
import { CONTRACT_VERSION, type CommandMessage } from '../../sw/contract.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp() {
	const posted: CommandMessage[] = [];
	const rpc = createRpc(async (message) => {
		posted.push(message);
	});
	const answer = (index: number, rest: object) =>
		rpc.receive({ satchel: CONTRACT_VERSION, id: posted[index]?.id, ...rest });
	return { posted, rpc, answer };
}

describe('calling the worker', () => {
	it('a reply settles the call that it belongs to, in any order', async () => {
		const { rpc, answer } = setUp();
		const first = rpc.call('session.open', { sid: 'a', fragment: null });
		const second = rpc.call('session.open', { sid: 'b', fragment: null });
		answer(1, { ok: true, reply: { sid: 'b' } });
		answer(0, { ok: true, reply: { sid: 'a' } });
		expect((await first).sid).toBe('a');
		expect((await second).sid).toBe('b');
	});

	it('an error of the worker arrives with its code, reference and time to try again', async () => {
		const { rpc, answer } = setUp();
		const call = rpc.call('connection.refresh', { id: 'c' });
		const error = { code: 'rate_limited', correlationId: 'r1', retryAt: 5 };
		answer(0, { ok: false, error });
		await expect(call).rejects.toMatchObject({ name: 'BrokerError', code: 'rate_limited', wire: error });
	});

	it('a silent worker gets the very same message again, until it answers', async () => {
		const { posted, rpc, answer } = setUp();
		const call = rpc.call('overview', {});
		await vi.advanceTimersByTimeAsync(9_000);
		expect(posted.length).toBeGreaterThan(1);
		expect(new Set(posted.map((message) => JSON.stringify(message))).size).toBe(1);
		answer(0, { ok: true, reply: { revision: 1 } });
		await expect(call).resolves.toMatchObject({ revision: 1 });
		const before = posted.length;
		await vi.advanceTimersByTimeAsync(60_000);
		expect(posted.length).toBe(before);
	});

	it('no reply in time is worker_silent, and nothing more is posted', async () => {
		const { posted, rpc } = setUp();
		const call = rpc.call('overview', {});
		const failed = expect(call).rejects.toMatchObject({ code: 'worker_silent' });
		await vi.advanceTimersByTimeAsync(120_000);
		await failed;
		const before = posted.length;
		await vi.advanceTimersByTimeAsync(60_000);
		expect(posted.length).toBe(before);
	});

	it('a command that talks to a provider is given longer than one that does not', async () => {
		const { rpc } = setUp();
		const order: string[] = [];
		rpc
			.call('connect.start', { target: { kind: 'provider', providerId: 'p' }, returnTo: '/', sid: null })
			.catch(() => order.push('connect.start'));
		rpc.call('overview', {}).catch(() => order.push('overview'));
		await vi.advanceTimersByTimeAsync(30_000);
		expect(order).toEqual(['overview']);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(order).toEqual(['overview', 'connect.start']);
	});

	it('a worker of another version is told from a silent one', async () => {
		const { rpc, answer } = setUp();
		const call = rpc.call('overview', {});
		answer(0, { satchel: CONTRACT_VERSION + 1, ok: true, reply: {} });
		await expect(call).rejects.toMatchObject({ code: 'version_mismatch' });
	});

	it('a worker that cannot be reached at all is worker_missing', async () => {
		const rpc = createRpc(() => Promise.reject(new TypeError('no')));
		const error = await rpc.call('overview', {}).catch((caught: unknown) => caught);
		expect(error).toBeInstanceOf(BrokerError);
		expect(error).toMatchObject({ code: 'worker_missing' });
	});

	it('messages that answer nothing are ignored', async () => {
		const { rpc, answer } = setUp();
		const call = rpc.call('overview', {});
		for (const noise of [null, 'text', 7, {}, { satchel: CONTRACT_VERSION, id: 'other', ok: true, reply: {} }]) {
			rpc.receive(noise);
		}
		answer(0, { ok: true, reply: { revision: 3 } });
		answer(0, { ok: true, reply: { revision: 4 } });
		await expect(call).resolves.toMatchObject({ revision: 3 });
	});
});
