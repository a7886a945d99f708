import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../relay/server/clock.js';
import { relayConfig } from '../../../relay/server/config/config.js';
import { toRelayError } from '../../../relay/server/errors.js';
import { openRedisBackend } from '../../../relay/server/store/redis/backend.js';
import type { Store } from '../../../relay/server/store/store.js';
import { freePort } from '../../tools/free-port.js';
import { bundle, killedAfter } from './bundle.js';
import { ownRedis, replica, server, silent } from './redis-support.js';
import { ManualClock, random, recorder, sha256 } from './support.js';

const away = { code: 'unavailable', retryAfter: expect.any(Number) };

async function session(store: Store) {
	const sid = random(16);
	await store.create(sid, {
		readHash: random(32),
		writeHash: random(32),
		expiresAt: systemClock.now() + 600_000,
		maxBytes: 1e9,
		partBytes: 1e9,
		request: null,
		fingerprint: random(32),
	});
	await store.claim(sid, random(32));
	return sid;
}

function put(store: Store, sid: string, bid: string, n: number, octets = 'sealed octets') {
	const data = new TextEncoder().encode(octets);
	const body = (async function* () {
		yield data;
	})();
	return store.putPart(sid, { bid, n, bytes: data.length, digest: sha256(data) }, body);
}

async function read(store: Store, sid: string, bid: string, n: number) {
	const { body } = await store.readPart(sid, { bid, n });
	return Buffer.from(await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

/** Tries again as a client does, while the relay says that it cannot now. */
async function persistently<T>(call: () => Promise<T>): Promise<T> {
	for (;;) {
		try {
			return await call();
		} catch (thrown) {
			if (toRelayError(thrown).code !== 'unavailable') throw thrown;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}
}

describe.skipIf(!server)('two replicas on one Redis', () => {
	test('are one relay: what one does, the other has and wakes for', async () => {
		const redis = await ownRedis();
		const prefix = 'shared';
		const { store: one } = await replica(redis.url, systemClock, { prefix });
		const { store: two } = await replica(redis.url, systemClock, { prefix });
		const sid = await session(one);
		const bid = random(16);
		const never = new AbortController().signal;
		for (const happen of [() => put(one, sid, bid, 0), () => one.putManifest(sid, 'm'), () => one.remove(sid)]) {
			const watch = two.watch(sid);
			await happen();
			await watch.changed(never);
			watch.close();
		}
		expect(await two.find(sid)).toMatchObject({ kind: 'gone' });
	});

	test('that wait for a thousand sessions ask Redis nothing', async () => {
		const redis = await ownRedis();
		const { store } = await replica(redis.url, systemClock);
		const client = await redis.client();
		const asked = async () => {
			const stats = await client.info('commandstats');
			return [...stats.matchAll(/cmdstat_(?:evalsha|eval|get|getrange|hget):calls=(\d+)/g)].reduce(
				(sum, [, calls]) => sum + Number(calls),
				0,
			);
		};
		const ends = Array.from({ length: 1000 }, () => new AbortController());
		const before = await asked();
		const waiting = ends.map(async ({ signal }) => {
			const watch = store.watch(random(16));
			await watch.changed(signal);
			watch.close();
		});
		// Long enough for a loop to be seen.
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(await asked()).toBe(before);
		for (const end of ends) end.abort();
		await Promise.all(waiting);
	});

	test('of which one is killed in the middle of uploads: what it acknowledged is there, of the rest nothing remains', async () => {
		const redis = await ownRedis();
		const prefix = 'killed';
		const { store } = await replica(redis.url, systemClock, { prefix, uploadMs: 1500 });
		const client = await redis.client();
		const sid = await session(store);
		const child = spawn(
			process.execPath,
			[await bundle(new URL('./redis-killed-replica.ts', import.meta.url)), redis.url, prefix, sid],
			{
				stdio: ['ignore', 'pipe', 'inherit'],
			},
		);
		const acknowledged = await killedAfter(child, 40);
		expect(child.signalCode).toBe('SIGKILL');
		const staged = () => client.keys(`${prefix}:*:staged:*`);
		expect((await staged()).length).toBeGreaterThan(0);
		const listed = await store.listParts(sid);
		const names = new Set(listed.map(({ bid, n }) => `${bid} ${n}`));
		for (const part of acknowledged) expect(names).toContain(part);
		for (const { bid, n, bytes, digest } of listed) {
			const data = await read(store, sid, bid, n);
			expect([data.length, sha256(data)]).toEqual([bytes, digest]);
		}
		const [bid, n] = acknowledged.at(-1)!.split(' ') as [string, string];
		expect(await put(store, sid, bid, Number(n) + 1000)).toBe('created');
		while ((await staged()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
		expect(await store.putManifest(sid, 'm')).toBe('created');
	});
});

describe.skipIf(!server)('a Redis', () => {
	test('that is killed and comes back with its file loses nothing acknowledged; who waits is woken, who asks comes again', async () => {
		const redis = await ownRedis('--appendonly', 'yes', '--appendfsync', 'always');
		const { lines, log } = recorder();
		const { store } = await replica(redis.url, systemClock, { log });
		const sid = await session(store);
		const bid = random(16);
		await put(store, sid, bid, 0, 'x'.repeat(700_000));
		const other = await session(store);
		const watch = store.watch(sid);
		const woken = watch.changed(new AbortController().signal);
		await redis.kill();

		const calls = () => [store.find(sid), put(store, sid, bid, 1), store.ready(), store.readManifest(sid)];
		for (const result of await Promise.allSettled(calls())) expect(result).toMatchObject({ reason: away });
		const repeated = persistently(() => put(store, other, bid, 1));
		await redis.run();
		expect(await repeated).toBe('created');
		// Nothing has happened to this one, but who knows.
		await woken;
		watch.close();
		expect(String(await read(store, sid, bid, 0))).toBe('x'.repeat(700_000));
		expect(await persistently(() => store.putManifest(sid, 'm'))).toBe('created');
		const again = store.watch(sid);
		await store.remove(sid);
		await again.changed(new AbortController().signal);
		again.close();

		expect(lines.map(({ text }) => text)).toEqual(expect.arrayContaining(['Redis is away', 'Redis is back']));
		const said = JSON.stringify(lines);
		for (const trace of [sid, bid, redis.url, new URL(redis.url).port]) expect(said).not.toContain(trace);
	});

	test('that is frozen keeps nobody waiting, and is used again when it goes on', async () => {
		const redis = await ownRedis();
		const { store, counters } = await replica(redis.url, systemClock, { commandMs: 150 });
		const sid = await session(store);
		const bid = random(16);
		await put(store, sid, bid, 0);
		redis.freeze();
		const large = 'x'.repeat(2_000_000);
		const calls = [
			store.find(sid),
			put(store, sid, bid, 1, large),
			store.ready(),
			store.putManifest(sid, 'm'),
			counters.count('k', { seconds: 60, most: 1 }),
			counters.salt('2026-11-22'),
		];
		for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ reason: away });
		// From now on it is known: nothing more is sent to it.
		await expect(store.find(sid)).rejects.toMatchObject({ ...away, cause: { code: 'OFFLINE' } });
		redis.thaw();
		expect(await persistently(() => put(store, sid, bid, 1, large))).toBe('created');
		expect((await read(store, sid, bid, 1)).length).toBe(large.length);
		await persistently(() => store.ready());
		const watch = store.watch(sid);
		await persistently(() => store.putManifest(sid, 'm'));
		await watch.changed(new AbortController().signal);
		watch.close();
	});

	test('that freezes in the middle of a download ends it with an error, not as if it were whole', async () => {
		const redis = await ownRedis();
		const { store } = await replica(redis.url, systemClock, { commandMs: 150 });
		const sid = await session(store);
		const bid = random(16);
		await put(store, sid, bid, 0, 'x'.repeat(1_000_000));
		const { body } = await store.readPart(sid, { bid, n: 0 });
		const reader = body.getReader();
		await reader.read();
		redis.freeze();
		await expect(reader.read()).rejects.toMatchObject(away);
		redis.thaw();
	});

	test('that is full takes no more, but gives and deletes what it has', async () => {
		const redis = await ownRedis('--maxmemory', '8mb', '--maxmemory-policy', 'noeviction');
		const { store } = await replica(redis.url, systemClock);
		const sid = await session(store);
		const bid = random(16);
		const octets = 'x'.repeat(1_000_000);
		let taken = 0;
		const fill = async () => {
			for (; ; taken++) await put(store, sid, bid, taken, octets);
		};
		await expect(fill()).rejects.toMatchObject({ ...away, cause: { code: 'OOM' } });
		expect(taken).toBeGreaterThan(2);
		// What the last one had already written was deleted again; now there is no room at all.
		const client = await redis.client();
		await client.configSet('maxmemory', '1mb');
		await expect(store.putManifest(sid, 'm')).rejects.toMatchObject(away);
		// Else nobody would be sent here to fetch and delete.
		await store.ready();
		expect(await store.find(sid)).toMatchObject({ session: { parts: taken, bytes: taken * octets.length } });
		expect(await store.listParts(sid)).toHaveLength(taken);
		for (let n = 0; n < taken; n++) expect(sha256(await read(store, sid, bid, n))).toBe(sha256(octets));
		await store.remove(sid);
		expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
		expect((await client.keys('*:part:*')).length).toBe(0);
		await client.configSet('maxmemory', '8mb');
		const other = await session(store);
		expect(await put(store, other, bid, 0, octets)).toBe('created');
	});

	test('that has become a replica answers who reads, and is not ready', async () => {
		const redis = await ownRedis();
		const { store } = await replica(redis.url, systemClock);
		const sid = await session(store);
		const client = await redis.client();
		const port = await freePort();
		await client.sendCommand(['REPLICAOF', '127.0.0.1', `${port}`]);
		await expect(store.ready()).rejects.toMatchObject({ ...away, cause: { code: 'READONLY' } });
		await expect(store.putManifest(sid, 'm')).rejects.toMatchObject(away);
		expect(await store.find(sid)).toMatchObject({ kind: 'live' });
		await client.sendCommand(['REPLICAOF', 'NO', 'ONE']);
		expect(await store.putManifest(sid, 'm')).toBe('created');
	});

	test('that comes back with a password is said to refuse', async () => {
		const redis = await ownRedis();
		const { lines, log } = recorder();
		const { store } = await replica(redis.url, systemClock, { log });
		const client = await redis.client();
		await client.configSet('requirepass', 'hush');
		await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
		const told = () => lines.map(({ fields }) => fields.systemCode);
		for (let turn = 0; turn < 500 && !told().includes('NOAUTH'); turn++) {
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		expect(told()).toContain('NOAUTH');
		await expect(store.ready()).rejects.toMatchObject(away);
	});

	test('that forgets the scripts is told them again', async () => {
		const redis = await ownRedis();
		const { store } = await replica(redis.url, systemClock);
		const sid = await session(store);
		await (await redis.client()).scriptFlush();
		expect(await put(store, sid, random(16), 0)).toBe('created');
	});
});

describe.skipIf(!server)('a relay that starts', () => {
	const start = (url: string, log = silent, clock = systemClock) =>
		openRedisBackend(url, relayConfig(), clock, log, { commandMs: 1000 });

	test('says in plain words that Redis cannot be reached, and no password', async () => {
		const port = await freePort();
		await expect(start(`redis://satchel:hush@127.0.0.1:${port}/1`)).rejects.toMatchObject({
			code: 'redis_unreachable',
			problems: [`REDIS_URL=redis://127.0.0.1:${port}: nobody listens there`],
		});
	});

	test('says that the password is wrong or missing, and not which it was', async () => {
		const redis = await ownRedis('--requirepass', 'right');
		const { host } = new URL(redis.url);
		await expect(start(`redis://:hush@${host}`)).rejects.toMatchObject({
			code: 'redis_refused',
			problems: [`REDIS_URL=redis://${host}: user name or password are wrong`],
		});
		await expect(start(redis.url)).rejects.toMatchObject({
			problems: [`REDIS_URL=redis://${host}: it asks for a password`],
		});
		await (await start(`redis://:right@${host}`)).close();
	});

	test('says that the user of Redis may not write', async () => {
		const redis = await ownRedis('--user', 'reader', 'on', '>hush', '~*', '&*', '+@read', '+@connection', '+@pubsub');
		const { host } = new URL(redis.url);
		await expect(start(`redis://reader:hush@${host}`)).rejects.toMatchObject({
			problems: [`REDIS_URL=redis://${host}: its user may not do what a relay does`],
		});
	});

	test('warns of a Redis that would lose sessions, and of clocks that differ', async () => {
		const redis = await ownRedis('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru');
		const boundless = await ownRedis('--appendonly', 'yes');
		const { lines, log } = recorder();
		const ahead = new ManualClock(Date.now() + 600_000);
		await (await start(redis.url, log, ahead)).close();
		await (await start(boundless.url, log)).close();
		expect(lines.map(({ text }) => text.split(/[;,]/)[0])).toEqual([
			'Redis deletes sessions when its memory is full',
			'Redis keeps nothing on disk',
			"Redis' clock and that of this machine differ",
			'Redis takes memory until the system has none',
		]);
	});

	test('says nothing where all is well, nor where Redis keeps its configuration to itself', async () => {
		const well = await ownRedis('--appendonly', 'yes', '--maxmemory', '100mb', '--maxmemory-policy', 'noeviction');
		const closed = await ownRedis('--rename-command', 'CONFIG', '');
		const { lines, log } = recorder();
		for (const { url } of [well, closed]) await (await start(url, log)).close();
		expect(lines).toEqual([]);
	});
});
