import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { ownRedis, server } from './redis-support.js';
import { callerOf } from './socket.js';
import { claimed, jwe, party, random, recorder, tokenHash } from './support.js';

async function setUp(...args: string[]) {
	const redis = await ownRedis(...args);
	const { lines, log } = recorder();
	const config = relayConfig({ host: '127.0.0.1', port: 0, redisUrl: redis.url, sessionsPerDay: 3 });
	const relays = [await startRelay(config, log), await startRelay(config, log)] as const;
	onTestFinished(async () => {
		for (const relay of relays) await relay.close();
	});
	return { redis, lines, one: { call: callerOf(relays[0].origin) }, two: { call: callerOf(relays[1].origin) } };
}

const octets = new TextEncoder().encode('sealed octets');

describe.skipIf(!server)('two relays on one Redis', () => {
	// Shorter than a long poll: one that is not woken does not pass by its end.
	test('are one: each serves any request, and wakes who waits at the other', { timeout: 15_000 }, async () => {
		const { one, two } = await setUp();
		const session = await claimed(one);
		const there = party(two, session.sid);
		const bid = random(16);
		expect((await session.put(bid, 0, octets)).status).toBe(201);
		expect(await (await there.get(bid, 0, session.read)).text()).toBe('sealed octets');
		const waiting = there.wait(25, session.read);
		const manifest = jwe();
		expect((await session.send(manifest)).status).toBe(201);
		expect(await (await waiting).text()).toBe(manifest);
		expect((await there.end(session.read)).status).toBe(204);
		expect((await session.info(session.read)).status).toBe(410);
	});

	test('take one of a hundred manifests that come at once', async () => {
		const { one, two } = await setUp();
		const session = await claimed(one);
		const there = party(two, session.sid);
		const sent = Array.from({ length: 100 }, (_, i) => (i % 2 ? session : there).send(jwe(), session.owner));
		const statuses = (await Promise.all(sent)).map(({ status }) => status);
		expect(statuses.filter((status) => status === 201)).toHaveLength(1);
		expect(statuses.filter((status) => status === 409)).toHaveLength(99);
	});

	test('count together how many sessions an address makes', async () => {
		const { one, two } = await setUp();
		const statuses = [];
		for (const at of [one, two, one, two]) statuses.push((await party(at).create()).status);
		expect(statuses).toEqual([201, 201, 201, 429]);
	});

	test('keep and log no token, and log no session', async () => {
		const { redis, lines, one, two } = await setUp('--appendonly', 'yes');
		const session = await claimed(one);
		const there = party(two, session.sid);
		expect((await there.put(random(16), 0, octets, session.owner)).status).toBe(201);
		await there.info(random(32));
		await session.end();
		const tokens = [session.read, session.write, session.owner];
		const directory = join(redis.directory, 'appendonlydir');
		const files = (await readdir(directory)).map((name) => readFile(join(directory, name), 'latin1'));
		const kept = (await Promise.all(files)).join('\n');
		for (const hash of tokens.map(tokenHash)) expect(kept).toContain(hash);
		const said = JSON.stringify(lines);
		for (const token of tokens) {
			const spellings = [token, Buffer.from(token, 'base64url').toString('latin1')];
			for (const spelling of spellings) expect(kept).not.toContain(spelling);
			expect(said).not.toContain(token);
		}
		expect(lines.length).toBeGreaterThan(3);
		for (const trace of [session.sid, redis.url]) expect(said).not.toContain(trace);
	});
});
