import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { relayConfig } from '../../../relay/server/config/config.js';
import { openRedisBackend } from '../../../relay/server/store/redis/backend.js';
import { MOST_PARTS } from '../../../relay/server/store/store.js';
import { countersSuite } from './counters.suite.js';
import { replica, server, silent, TestRedis } from './redis-support.js';
import { storeSuite } from './store.suite.js';
import { ManualClock, random, sha256 } from './support.js';

describe.skipIf(!server)('with a Redis', () => {
	let redis: TestRedis;
	let client: Awaited<ReturnType<typeof connect>>;
	const connect = () => createClient({ url: redis.url }).connect();

	beforeAll(async () => {
		redis = await TestRedis.start();
		client = await connect();
	});
	afterAll(async () => {
		client.destroy();
		await redis.stop();
	});

	async function keys(prefix: string): Promise<string[]> {
		return (await client.keys(`${prefix}:*`)).sort();
	}

	async function contentOf(key: string): Promise<unknown> {
		const type = await client.type(key);
		if (type === 'hash') return client.hGetAll(key);
		return type === 'set' ? client.sMembers(key) : client.get(key);
	}

	async function dump(prefix: string): Promise<string> {
		const lines = (await keys(prefix)).map(async (key) => `${key} ${JSON.stringify(await contentOf(key))}`);
		return (await Promise.all(lines)).join('\n');
	}

	/** What the engine does by itself in that time. A key without a TTL stays. */
	async function pass(prefix: string, ms: number): Promise<void> {
		for (const key of await keys(prefix)) {
			const left = await client.pTTL(key);
			if (left >= 0) await client.pExpire(key, left - ms);
		}
	}

	storeSuite('the Redis store', () => {
		const prefix = `suite-${random(6)}`;
		return {
			open: async (clock) => {
				const { store, close } = await openRedisBackend(redis.url, relayConfig(), clock, silent, { prefix });
				return Object.assign(store, { close });
			},
			dump: () => dump(prefix),
			pass: (ms) => pass(prefix, ms),
		};
	});

	async function setUp(options: { uploadMs?: number } = {}) {
		const prefix = `test-${random(6)}`;
		const clock = new ManualClock();
		const { store, counters } = await replica(redis.url, clock, { prefix, ...options });
		const [sid, owner] = [random(16), random(32)];
		const asked = {
			readHash: random(32),
			writeHash: random(32),
			expiresAt: clock.now() + 600_000,
			maxBytes: 1000,
			partBytes: 1000,
			request: null,
			fingerprint: random(32),
		};
		await store.create(sid, asked);
		await store.claim(sid, owner);
		const put = (bid: string, n: number, octets: string, into = store) => {
			const data = new TextEncoder().encode(octets);
			return into.putPart(sid, { bid, n, bytes: data.length, digest: sha256(data) }, once(data));
		};
		return { prefix, clock, store, counters, sid, asked, owner, put };
	}

	describe('every key', () => {
		test('has the tag of its session, and goes with it, but for the hashes of the tokens', async () => {
			const { prefix, store, sid, put } = await setUp();
			await put(random(16), 0, 'sealed octets');
			const never = store.putPart(sid, { bid: random(16), n: 1, bytes: 9, digest: random(32) }, stuck());
			never.catch(() => undefined);
			await until(async () => (await keys(prefix)).some((key) => key.includes(':uploads')));
			await store.putManifest(sid, 'the manifest');
			const base = `${prefix}:{${sid}}`;
			const there = await keys(prefix);
			expect(there.length).toBeGreaterThanOrEqual(7);
			for (const key of there) {
				expect(key.startsWith(base)).toBe(true);
				const left = await client.pTTL(key);
				const day = key === base ? 24 * 3600_000 : 0;
				expect(left).toBeGreaterThan(day);
				expect(left).toBeLessThanOrEqual(day + 600_000);
			}
			await pass(prefix, 600_000);
			expect(await keys(prefix)).toEqual([base]);
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
		});

		test('of a session that has ended goes at once, but for the hashes of the tokens, a day later', async () => {
			const { prefix, store, sid, put } = await setUp();
			await put(random(16), 0, 'sealed octets');
			await store.putManifest(sid, 'the manifest');
			await store.remove(sid);
			expect(await keys(prefix)).toEqual([`${prefix}:{${sid}}`]);
			expect(await client.pTTL(`${prefix}:{${sid}}`)).toBeLessThanOrEqual(24 * 3600_000);
		});
	});

	describe('an upload of which no piece comes any more', () => {
		test('lapses, with its octets and what it had set aside', async () => {
			const { prefix, store, sid, put } = await setUp({ uploadMs: 150 });
			const part = { bid: random(16), n: 0, bytes: 900, digest: random(32) };
			const { body, letGo } = slow(new Uint8Array(300));
			const stored = store.putPart(sid, part, body);
			stored.catch(() => undefined);
			await until(async () => (await keys(prefix)).some((key) => key.includes(':staged:')));
			await expect(put(random(16), 0, 'x'.repeat(200))).rejects.toMatchObject({ code: 'too_large' });
			await until(async () => !(await keys(prefix)).some((key) => key.includes(':staged:')));
			expect(await put(random(16), 0, 'x'.repeat(200))).toBe('created');
			letGo();
			await expect(stored).rejects.toMatchObject({ code: 'unavailable' });
			expect(await store.listParts(sid)).toHaveLength(1);
			expect(await dump(prefix)).not.toContain(':staged:');
		});

		test('does not lapse as long as some come, however few octets they are', async () => {
			const { store, sid } = await setUp({ uploadMs: 200 });
			const data = new Uint8Array(12).fill(7);
			const trickle = (async function* () {
				for (const octet of data) {
					await new Promise((resolve) => setTimeout(resolve, 40));
					yield Uint8Array.of(octet);
				}
			})();
			const part = { bid: random(16), n: 0, bytes: data.length, digest: sha256(data) };
			expect(await store.putPart(sid, part, trickle)).toBe('created');
		});
	});

	test('a download whose session is ended in the middle breaks off', async () => {
		const { clock, store, asked, owner } = await setUp();
		const [sid, bid, data] = [random(16), random(16), new Uint8Array(1_000_000)];
		await store.create(sid, { ...asked, expiresAt: clock.time + 600_000, maxBytes: 1e6 });
		await store.claim(sid, owner);
		await store.putPart(sid, { bid, n: 0, bytes: data.length, digest: sha256(data) }, once(data));
		const reader = (await store.readPart(sid, { bid, n: 0 })).body.getReader();
		await reader.read();
		await store.remove(sid);
		await expect(reader.read()).rejects.toMatchObject({ code: 'session_gone' });
	});

	test('a process takes no more uploads at a time than it is told to', async () => {
		const { prefix, clock, sid } = await setUp();
		const { store } = await replica(redis.url, clock, { prefix, uploads: 1 });
		const data = new TextEncoder().encode('octets');
		const part = () => ({ bid: random(16), n: 0, bytes: data.length, digest: sha256(data) });
		const all = await Promise.allSettled([
			store.putPart(sid, part(), once(data)),
			store.putPart(sid, part(), once(data)),
		]);
		expect(all).toMatchObject([{ value: 'created' }, { reason: { code: 'unavailable', retryAfter: 5 } }]);
		expect(await store.putPart(sid, part(), once(data))).toBe('created');
	});

	describe('a session that is damaged', () => {
		test('by a key of another kind can still be ended', async () => {
			const { prefix, store, sid, put } = await setUp();
			await put(random(16), 0, 'sealed octets');
			for (const key of ['parts', 'uploads']) {
				await client.del(`${prefix}:{${sid}}:${key}`);
				await client.set(`${prefix}:{${sid}}:${key}`, 'planted');
			}
			await expect(store.listParts(sid)).rejects.toMatchObject({ code: 'internal' });
			await store.remove(sid);
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			expect(await dump(prefix)).not.toContain('planted');
		});

		test('by the loss of its hashes is not there any more, nor what belongs to it', async () => {
			const { prefix, store, sid, asked, put } = await setUp();
			const bid = random(16);
			await put(bid, 0, 'sealed octets');
			await client.del(`${prefix}:{${sid}}`);
			expect(await store.find(sid)).toBeNull();
			expect(await keys(prefix)).toEqual([]);
			expect(await store.create(sid, asked)).toMatchObject({ stored: 'created' });
		});
	});

	test('a session has no more parts than its list can show, those under way included', async () => {
		const { prefix, store, sid, put } = await setUp();
		const bid = random(16);
		const planted = Array.from({ length: MOST_PARTS - 2 }, (_, n) => [`${random(16)}.${n % 4096}`, `1.${random(32)}`]);
		await client.hSet(`${prefix}:{${sid}}:parts`, Object.fromEntries(planted));
		const never = store.putPart(sid, { bid, n: 1, bytes: 9, digest: random(32) }, stuck());
		never.catch(() => undefined);
		await until(async () => (await keys(prefix)).some((key) => key.includes(':uploads')));
		expect(await put(bid, 2, 'octets')).toBe('created');
		await expect(put(bid, 3, 'octets')).rejects.toMatchObject({ code: 'too_large' });
		expect(await put(bid, 1, 'octets')).toBe('created');
	});

	describe('time', () => {
		test('ends a session for all replicas as soon as it has ended for one, and goes back for none', async () => {
			const { prefix, clock, store, sid } = await setUp();
			const behind = new ManualClock(clock.time - 600_000);
			const { store: other } = await replica(redis.url, behind, { prefix });
			clock.time += 599_999;
			expect(await store.find(sid)).toMatchObject({ kind: 'live' });
			expect(await other.find(sid)).toMatchObject({ kind: 'live' });
			clock.time += 1;
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			expect(await other.find(sid)).toMatchObject({ kind: 'gone' });
			clock.time -= 600_000;
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
		});

		test('that really goes by ends a session, though the clock was set back by ten minutes', async () => {
			const { prefix, clock, store, sid, put } = await setUp();
			clock.time -= 600_000;
			const bid = random(16);
			await put(bid, 0, 'sealed octets');
			await pass(prefix, 595_000);
			expect(await store.find(sid)).toMatchObject({ kind: 'live' });
			await pass(prefix, 5000);
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			expect(await dump(prefix)).not.toContain('sealed octets');
		});

		test('set forward by ten minutes ends those sessions alone that are over by then', async () => {
			const { clock, store, sid, asked } = await setUp();
			const other = random(16);
			await store.create(other, { ...asked, expiresAt: clock.time + 1_200_000 });
			clock.time += 600_000;
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			expect(await store.find(other)).toMatchObject({ kind: 'live' });
		});
	});

	countersSuite('counters in Redis', async (clock) => (await replica(redis.url, clock)).counters);

	describe('counters', () => {
		test('count for all replicas together, in windows that end for all at the same time', async () => {
			const { prefix, clock, counters } = await setUp();
			const { counters: other } = await replica(redis.url, clock, { prefix });
			const window = { seconds: 60, most: 3 };
			clock.time = Math.ceil(clock.time / 60_000) * 60_000 + 20_000;
			const counted = [];
			for (const one of [counters, other, counters, other]) counted.push(await one.count('k', window));
			expect(counted.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
			expect(counted[3]!.endsIn).toBe(40);
			expect(await counters.count('another', window)).toMatchObject({ allowed: true });
			clock.time += 40_000;
			expect(await other.count('k', window)).toMatchObject({ allowed: true, endsIn: 60 });
			await pass(prefix, 60_000);
			expect((await keys(prefix)).filter((key) => key.includes(':count:'))).toEqual([]);
		});

		test('have one salt a day, the same for all replicas, which is gone with the day', async () => {
			const { prefix, clock, counters } = await setUp();
			const { counters: other } = await replica(redis.url, clock, { prefix });
			clock.time = Date.parse('2026-11-22T23:00:00Z');
			const [one, two] = await Promise.all([counters.salt('2026-11-22'), other.salt('2026-11-22')]);
			expect(one).toHaveLength(32);
			expect(two).toEqual(one);
			expect(await counters.salt('2026-11-22')).toEqual(one);
			const next = await other.salt('2026-11-23');
			expect(next).not.toEqual(one);
			await pass(prefix, 3600_000);
			const kept = (await keys(prefix)).filter((key) => key.includes(':salt:'));
			expect(kept).toEqual([`${prefix}:salt:2026-11-23`]);
		});
	});
});

async function* once(data: Uint8Array) {
	yield data;
}

async function* stuck(): AsyncGenerator<Uint8Array> {
	await new Promise(() => undefined);
}

/** Gives `data` in three thirds: the first at once and, so that it is not held back, the second a little later. */
function slow(data: Uint8Array) {
	let letGo: () => void = () => undefined;
	const released = new Promise<void>((resolve) => {
		letGo = resolve;
	});
	async function* octets() {
		yield data;
		await new Promise((resolve) => setTimeout(resolve, 60));
		yield data;
		await released;
		yield data;
	}
	return { body: octets(), letGo };
}

async function until(condition: () => Promise<boolean>) {
	while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
