import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../relay/server/clock.js';
import { type NewSession, type Store, TOMBSTONE_MS } from '../../../relay/server/store/store.js';
import { ManualClock, random, sha256 } from './support.js';

/** A place that outlives the stores opened on it. */
export interface StorePlace {
	open(clock: Clock): Promise<Store>;
	/** Everything that is kept, as text: names and contents. */
	dump(): Promise<string>;
}

const body = (data: Uint8Array) =>
	(async function* () {
		yield data.subarray(0, 3);
		yield data.subarray(3);
	})();

async function text(stream: ReadableStream<Uint8Array>) {
	return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** What every store must do. `makePlace` gives an empty one. */
export function storeSuite(name: string, makePlace: () => StorePlace | Promise<StorePlace>) {
	async function setUp() {
		const place = await makePlace();
		const clock = new ManualClock();
		const store = await place.open(clock);
		const sid = random(16);
		const asked: NewSession = {
			readHash: random(32),
			writeHash: random(32),
			expiresAt: clock.now() + 600_000,
			maxBytes: 1000,
			partBytes: 500,
			request: null,
			fingerprint: random(32),
		};
		const create = () => store.create(sid, asked);
		const put = (bid: string, n: number, data = new TextEncoder().encode('sealed octets'), into = store) =>
			into.putPart(sid, { bid, n, bytes: data.length, digest: sha256(data) }, body(data));
		return { place, clock, store, sid, asked, create, put };
	}

	describe(`${name} keeps`, () => {
		test('a session, its claim, parts and manifest across a restart', async () => {
			const { place, clock, store, sid, asked, create, put } = await setUp();
			const [bid, owner] = [random(16), random(32)];
			expect(await create()).toMatchObject({ stored: 'created', session: { state: 'open', parts: 0, bytes: 0 } });
			expect(await store.claim(sid, owner)).toBe('created');
			expect(await put(bid, 1)).toBe('created');
			expect(await put(bid, 0, new TextEncoder().encode('first'))).toBe('created');
			store.close();

			const second = await place.open(clock);
			expect(await second.find(sid)).toEqual({
				kind: 'live',
				session: { ...asked, ownerHash: owner, state: 'claimed', parts: 2, bytes: 18 },
			});
			expect(await second.create(sid, asked)).toMatchObject({ stored: 'repeated' });
			expect(await second.claim(sid, owner)).toBe('repeated');
			expect(await put(bid, 1, undefined, second)).toBe('repeated');
			expect((await second.listParts(sid)).map(({ n, bytes }) => [n, bytes])).toEqual([
				[0, 5],
				[1, 13],
			]);
			expect(await second.putManifest(sid, 'manifest')).toBe('created');
			second.close();

			const third = await place.open(clock);
			expect(await third.find(sid)).toMatchObject({ session: { state: 'sent' } });
			expect(await third.readManifest(sid)).toBe('manifest');
			expect(await third.putManifest(sid, 'manifest')).toBe('repeated');
			await expect(third.putManifest(sid, 'other')).rejects.toMatchObject({ code: 'already_sent' });
			const part = await third.readPart(sid, { bid, n: 1 });
			expect(part).toMatchObject({ bid, n: 1, bytes: 13, digest: sha256('sealed octets') });
			expect(await text(part.body)).toBe('sealed octets');
			third.close();
		});

		test('nothing of a session that was deleted but the hashes of its tokens, also across a restart', async () => {
			const { place, clock, store, sid, asked, create, put } = await setUp();
			const [bid, owner] = [random(16), random(32)];
			await create();
			await store.claim(sid, owner);
			await put(bid, 0);
			await store.putManifest(sid, 'the manifest');
			await store.remove(sid);
			const gone = {
				kind: 'gone',
				hashes: { readHash: asked.readHash, writeHash: asked.writeHash, ownerHash: owner },
			};
			expect(await store.find(sid)).toEqual(gone);
			store.close();
			const again = await place.open(clock);
			expect(await again.find(sid)).toEqual(gone);
			await expect(again.create(sid, asked)).rejects.toMatchObject({ code: 'session_gone' });
			const kept = await place.dump();
			for (const trace of ['sealed octets', 'the manifest', bid, asked.fingerprint]) expect(kept).not.toContain(trace);
			again.close();
		});

		test('nothing of an upload that breaks off', async () => {
			const { place, store, sid, create } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const broken = (async function* () {
				yield new TextEncoder().encode('half a part');
				throw new Error('connection lost');
			})();
			const part = { bid: random(16), n: 0, bytes: 100, digest: random(32) };
			await expect(store.putPart(sid, part, broken)).rejects.toThrow('connection lost');
			expect(await store.listParts(sid)).toEqual([]);
			expect(await place.dump()).not.toContain('half a part');
			store.close();
		});
	});

	describe(`${name} forgets`, () => {
		test('sessions that have expired, when it sweeps', async () => {
			const { place, clock, store, sid, create, put } = await setUp();
			await create();
			await store.claim(sid, random(32));
			await put(random(16), 0);
			clock.time += 599_999;
			await store.sweep();
			expect(await place.dump()).toContain('sealed octets');
			clock.time += 1;
			await store.sweep();
			expect(await place.dump()).not.toContain('sealed octets');
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			store.close();
		});

		test('sessions that have expired while it was not running, when it starts', async () => {
			const { place, clock, store, sid, create, put } = await setUp();
			await create();
			await store.claim(sid, random(32));
			await put(random(16), 0);
			store.close();
			clock.time += 600_000;
			const again = await place.open(clock);
			expect(await place.dump()).not.toContain('sealed octets');
			expect(await again.find(sid)).toMatchObject({ kind: 'gone' });
			again.close();
		});

		test('that there was a session, a day after its end', async () => {
			const { place, clock, store, sid, asked, create } = await setUp();
			await create();
			await store.remove(sid);
			clock.time += TOMBSTONE_MS - 1;
			await store.sweep();
			expect(await place.dump()).toContain(asked.readHash);
			clock.time += 1;
			await store.sweep();
			expect(await store.find(sid)).toBeNull();
			const kept = await place.dump();
			for (const trace of [sid, asked.readHash, asked.writeHash]) expect(kept).not.toContain(trace);
			store.close();
		});

		test('a waiter as soon as it goes away', async () => {
			const { store, sid, create } = await setUp();
			await create();
			const end = new AbortController();
			const waiting = store.changed(sid, end.signal);
			end.abort();
			await waiting;
			await store.changed(sid, AbortSignal.abort());
			store.close();
		});
	});

	describe(`${name} wakes`, () => {
		test('a waiter when the session is claimed, and not when the claim is repeated', async () => {
			const { store, sid, create } = await setUp();
			await create();
			const owner = random(32);
			const end = new AbortController();
			const waiting = store.changed(sid, end.signal);
			await store.claim(sid, owner);
			await waiting;
			let woken = false;
			const still = store.changed(sid, end.signal).then(() => {
				woken = true;
			});
			await store.claim(sid, owner);
			expect(woken).toBe(false);
			end.abort();
			await still;
			store.close();
		});
	});

	describe(`${name} wakes, as soon as it is stored,`, () => {
		test('a waiter for a part, and not for the same part again', async () => {
			const { store, sid, create, put } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const end = new AbortController();
			const bid = random(16);
			const waiting = store.changed(sid, end.signal).then(() => store.listParts(sid));
			await put(bid, 0);
			expect(await waiting).toMatchObject([{ bid, n: 0 }]);
			let woken = false;
			const still = store.changed(sid, end.signal).then(() => {
				woken = true;
			});
			await put(bid, 0);
			expect(woken).toBe(false);
			end.abort();
			await still;
			store.close();
		});
	});

	describe(`${name} tells apart`, () => {
		test('a session that never was from one that has ended', async () => {
			const { store, sid, create, put } = await setUp();
			const calls = () => [
				store.claim(sid, random(32)),
				put(random(16), 0),
				store.listParts(sid),
				store.readPart(sid, { bid: random(16), n: 0 }),
				store.putManifest(sid, 'm'),
				store.readManifest(sid),
				store.remove(sid),
			];
			for (const call of calls()) await expect(call).rejects.toMatchObject({ code: 'session_not_found' });
			await create();
			await store.remove(sid);
			for (const call of calls()) await expect(call).rejects.toMatchObject({ code: 'session_gone' });
			store.close();
		});

		test('sessions from one another', async () => {
			const { store, sid, asked, create, put } = await setUp();
			await create();
			const other = random(16);
			await store.create(other, asked);
			await store.claim(sid, random(32));
			await put(random(16), 0);
			expect(await store.listParts(other)).toEqual([]);
			await store.remove(sid);
			expect(await store.find(other)).toMatchObject({ kind: 'live', session: { state: 'open' } });
			store.close();
		});

		test('creations at the same time: one creates, the same repeat, another is refused', async () => {
			const { store, sid, asked, create } = await setUp();
			const results = await Promise.all([create(), create(), create()]);
			expect(results.map(({ stored }) => stored).sort()).toEqual(['created', 'repeated', 'repeated']);
			const other = { ...asked, fingerprint: random(32) };
			await expect(store.create(sid, other)).rejects.toMatchObject({ code: 'already_exists' });
			store.close();
		});
	});

	test(`${name} is ready`, async () => {
		const { store } = await setUp();
		await store.ready();
		store.close();
	});
}
