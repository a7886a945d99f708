import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { createRelay } from '../../../relay/server/handler.js';
import { claimed, expectProblem, jwe, ORIGIN, random, setUp } from './support.js';

describe('readiness', () => {
	test('asks the store once a second, however many ask, and tells all of them what came of it', async () => {
		const { store, counters, config, clock } = await setUp();
		const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
		let asked = 0;
		let fails = true;
		const ready = async () => {
			asked++;
			if (fails) throw new Error('away');
		};
		const watched = new Proxy(store, {
			get: (target, name) => {
				if (name === 'ready') return ready;
				const value: unknown = Reflect.get(target, name);
				return typeof value === 'function' ? value.bind(target) : value;
			},
		});
		const relay = createRelay({ store: watched, counters, config, log, clock });
		const statuses = async () => {
			const answers = Array.from({ length: 20 }, () => relay(new Request(ORIGIN + routes.health)));
			return [...new Set((await Promise.all(answers)).map(({ status }) => status))];
		};
		expect(await statuses()).toEqual([503]);
		expect(asked).toBe(1);
		fails = false;
		clock.time += 1000;
		expect(await statuses()).toEqual([200]);
		clock.time += 999;
		expect(await statuses()).toEqual([200]);
		expect(asked).toBe(2);
		clock.time += 1;
		await statuses();
		expect(asked).toBe(3);
	});

	test('is lost within a second after the directory is', async () => {
		const { call, directory, clock } = await setUp();
		expect((await call('GET', routes.health)).status).toBe(200);
		await rm(join(directory, 'staging'), { recursive: true });
		clock.time += 1000;
		await expectProblem(await call('GET', routes.health), 503, 'unavailable');
	});

	test('is not lost when there is no more room: what is there is delivered and deleted', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await session.put(random(16), 0, new Uint8Array(10));
		await setup.store.close();
		const full = await setUp({ dataDir: setup.directory, minFreeBytes: 2 ** 60 });
		expect((await full.call('GET', routes.health)).status).toBe(200);
		const { sid, read, owner } = session;
		const headers = { 'Content-Type': 'application/jose' };
		const sent = await full.call('PUT', routes.manifest(sid), { token: owner, body: jwe(), headers });
		expect(sent.status).toBe(201);
		expect((await full.call('GET', routes.manifest(sid), { token: read })).status).toBe(200);
		expect((await full.call('DELETE', routes.session(sid), { token: read })).status).toBe(204);
	});
});
