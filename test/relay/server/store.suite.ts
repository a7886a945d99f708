import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../relay/server/clock.js';
import { type NewSession, type Store, TOMBSTONE_MS } from '../../../relay/server/store/store.js';
import { ManualClock, random, sha256 } from './support.js';

export type OpenStore = Store & {
	close(): Promise<void>;
	/** Where what is over must be looked for. */
	sweep?(): Promise<void>;
};

/** A place that outlives the stores opened on it. */
export interface StorePlace {
	/** With the default of 16 uploads of a session at a time. */
	open(clock: Clock): Promise<OpenStore>;
	/** Everything that is kept, as text: names and contents. */
	dump(): Promise<string>;
	/** Lets time go by where the place has one of its own; the clock is the caller's. */
	pass?(ms: number): Promise<void>;
}

const body = (data: Uint8Array) =>
	(async function* () {
		yield data.subarray(0, 3);
		yield data.subarray(3);
	})();

const encode = (text: string) => new TextEncoder().encode(text);

/** A body that gives its octets but for the last, and that when it is let go. `begun` resolves when the store reads on. */
function heldBack(data: Uint8Array) {
	let begin: () => void = () => undefined;
	let letGo: (thrown?: Error) => void = () => undefined;
	const begun = new Promise<void>((resolve) => {
		begin = resolve;
	});
	const released = new Promise<Error | undefined>((resolve) => {
		letGo = resolve;
	});
	async function* octets() {
		yield data.subarray(0, -1);
		begin();
		const thrown = await released;
		if (thrown) throw thrown;
		yield data.subarray(-1);
	}
	return { body: octets(), begun, letGo };
}

/** How often each came out: what it resolved with, or the code it was refused with. */
async function tally(calls: Promise<unknown>[]): Promise<Record<string, number>> {
	const counts: Record<string, number> = {};
	for (const result of await Promise.allSettled(calls)) {
		const word = String(result.status === 'fulfilled' ? result.value : result.reason.code);
		counts[word] = (counts[word] ?? 0) + 1;
	}
	return counts;
}

const asBody = (stream: ReadableStream<Uint8Array>) => stream as ReadableStream<Uint8Array<ArrayBuffer>>;

async function text(stream: ReadableStream<Uint8Array>) {
	return new Response(asBody(stream)).text();
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
		const put = (bid: string, n: number, data = encode('sealed octets'), into = store) =>
			into.putPart(sid, { bid, n, bytes: data.length, digest: sha256(data) }, body(data));
		/** An upload that stays under way until it is let go. */
		const hold = async (bid: string, n: number, data: Uint8Array) => {
			const { body, begun, letGo } = heldBack(data);
			const stored = store.putPart(sid, { bid, n, bytes: data.length, digest: sha256(data) }, body);
			stored.catch(() => undefined);
			await Promise.race([begun, stored]);
			return { stored, letGo };
		};
		const pass = async (ms: number) => {
			clock.time += ms;
			await place.pass?.(ms);
		};
		/** What the store tells its watchers comes in order: when they have heard of a later thing, there is nothing more of an earlier one. */
		const settled = async () => {
			const other = random(16);
			await store.create(other, asked);
			const watch = store.watch(other);
			await store.claim(other, random(32));
			await watch.changed(new AbortController().signal);
			watch.close();
		};
		return { place, clock, store, sid, asked, create, put, hold, pass, settled };
	}

	describe(`${name} keeps`, () => {
		test('a session, its claim, parts and manifest across a restart', async () => {
			const { place, clock, store, sid, asked, create, put } = await setUp();
			const [bid, owner] = [random(16), random(32)];
			expect(await create()).toMatchObject({ stored: 'created', session: { state: 'open', parts: 0, bytes: 0 } });
			expect(await store.claim(sid, owner)).toBe('created');
			expect(await put(bid, 1)).toBe('created');
			expect(await put(bid, 0, encode('first'))).toBe('created');
			await store.close();

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
			await second.close();

			const third = await place.open(clock);
			expect(await third.find(sid)).toMatchObject({ session: { state: 'sent' } });
			expect(await third.readManifest(sid)).toBe('manifest');
			expect(await third.putManifest(sid, 'manifest')).toBe('repeated');
			await expect(third.putManifest(sid, 'other')).rejects.toMatchObject({ code: 'already_sent' });
			const part = await third.readPart(sid, { bid, n: 1 });
			expect(part).toMatchObject({ bid, n: 1, bytes: 13, digest: sha256('sealed octets') });
			expect(await text(part.body)).toBe('sealed octets');
			await third.close();
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
			await store.close();
			const again = await place.open(clock);
			expect(await again.find(sid)).toEqual(gone);
			await expect(again.create(sid, asked)).rejects.toMatchObject({ code: 'session_gone' });
			const kept = await place.dump();
			for (const trace of ['sealed octets', 'the manifest', bid, asked.fingerprint]) expect(kept).not.toContain(trace);
			await again.close();
		});

		test('nothing of an upload that breaks off', async () => {
			const { place, store, sid, create } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const broken = (async function* () {
				yield encode('half a part');
				throw new Error('connection lost');
			})();
			const part = { bid: random(16), n: 0, bytes: 100, digest: random(32) };
			await expect(store.putPart(sid, part, broken)).rejects.toThrow('connection lost');
			expect(await store.listParts(sid)).toEqual([]);
			expect(await place.dump()).not.toContain('half a part');
			await store.close();
		});
	});

	describe(`${name} takes`, () => {
		test('a part of any size, in whatever chunks it comes, and gives it back octet by octet', async () => {
			const { store, asked, sid } = await setUp();
			await store.create(sid, { ...asked, maxBytes: 2e6, partBytes: 2e6 });
			await store.claim(sid, random(32));
			const data = randomBytes(1_300_000);
			const part = { bid: random(16), n: 0, bytes: data.length, digest: sha256(data) };
			const chunked = (async function* () {
				yield data.subarray(0, 700_000);
				for (let at = 700_000; at < data.length; at += 9_999) yield data.subarray(at, at + 9_999);
			})();
			expect(await store.putPart(sid, part, chunked)).toBe('created');
			const read = await store.readPart(sid, part);
			expect(sha256(Buffer.from(await new Response(asBody(read.body)).arrayBuffer()))).toBe(part.digest);
			await store.close();
		});

		test('nothing of a part that is longer or shorter than was said', async () => {
			const { place, store, sid, create } = await setUp();
			await create();
			await store.claim(sid, random(32));
			for (const bytes of [12, 14]) {
				const part = { bid: random(16), n: 0, bytes, digest: random(32) };
				const stored = store.putPart(sid, part, body(encode('sealed octets')));
				await expect(stored).rejects.toMatchObject({ code: 'bad_request' });
			}
			expect(await store.listParts(sid)).toEqual([]);
			expect(await place.dump()).not.toContain('sealed');
			await store.close();
		});

		test('a part as a whole: while it comes there is nothing of it', async () => {
			const { store, sid, create, hold } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const bid = random(16);
			const upload = await hold(bid, 0, encode('sealed octets'));
			expect(await store.listParts(sid)).toEqual([]);
			expect(await store.find(sid)).toMatchObject({ session: { parts: 0, bytes: 0 } });
			await expect(store.readPart(sid, { bid, n: 0 })).rejects.toMatchObject({ code: 'part_not_found' });
			upload.letGo();
			expect(await upload.stored).toBe('created');
			expect(await store.find(sid)).toMatchObject({ session: { parts: 1, bytes: 13 } });
			await store.close();
		});

		test('nothing that comes to its end after the manifest or after the end of the session', async () => {
			const { place, store, sid, create, hold } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const [first, second] = [
				await hold(random(16), 0, encode('octets')),
				await hold(random(16), 0, encode('octets')),
			];
			await store.putManifest(sid, 'm');
			first.letGo();
			await expect(first.stored).rejects.toMatchObject({ code: 'already_sent' });
			await store.remove(sid);
			second.letGo();
			await expect(second.stored).rejects.toMatchObject({ code: 'session_gone' });
			expect(await place.dump()).not.toContain('octet');
			await store.close();
		});

		test('as many octets as a session may have, those under way included, and gives room back', async () => {
			const { store, sid, create, put, hold } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const [bid, octets] = [random(16), (bytes: number, value = 0) => new Uint8Array(bytes).fill(value)];
			expect(await put(bid, 0, octets(400))).toBe('created');
			const upload = await hold(bid, 1, octets(400));
			// The same part again counts once, however long it is.
			const again = await hold(bid, 1, octets(500, 1));
			await expect(put(bid, 2, octets(101))).rejects.toMatchObject({ code: 'too_large' });
			expect(await put(bid, 2, octets(100))).toBe('created');
			again.letGo(new Error('connection lost'));
			await expect(again.stored).rejects.toThrow('connection lost');
			await expect(put(bid, 3, octets(101))).rejects.toMatchObject({ code: 'too_large' });
			expect(await put(bid, 3, octets(100))).toBe('created');
			upload.letGo(new Error('connection lost'));
			await expect(upload.stored).rejects.toThrow('connection lost');
			expect(await put(bid, 4, octets(400))).toBe('created');
			await expect(put(bid, 5, octets(1))).rejects.toMatchObject({ code: 'too_large' });
			await store.close();
		});

		test('16 uploads of a session at a time', async () => {
			const { store, sid, create, put, hold } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const bid = random(16);
			const uploads = await Promise.all(Array.from({ length: 16 }, (_, n) => hold(bid, n, encode('sealed'))));
			await expect(put(bid, 16)).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 1 });
			uploads[0]!.letGo();
			await uploads[0]!.stored;
			expect(await put(bid, 16)).toBe('created');
			for (const upload of uploads) upload.letGo();
			for (const upload of uploads) expect(await upload.stored).toBe('created');
			await store.close();
		});

		test('256 blobs of a session, those under way included', async () => {
			const { store, sid, create, put, hold } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const bids = Array.from({ length: 255 }, () => random(16));
			for (const bid of bids) await put(bid, 0, encode('x'));
			const upload = await hold(random(16), 0, encode('xy'));
			await expect(put(random(16), 0, encode('x'))).rejects.toMatchObject({ code: 'too_large' });
			expect(await put(bids[0]!, 1, encode('x'))).toBe('created');
			upload.letGo();
			expect(await upload.stored).toBe('created');
			await store.close();
		});
	});

	describe(`${name} gives`, () => {
		test('a session 16 downloads at a time, and the next when one is over, however it ends', async () => {
			const { store, asked, sid } = await setUp();
			await store.create(sid, { ...asked, maxBytes: 1e6, partBytes: 1e6 });
			await store.claim(sid, random(32));
			const data = randomBytes(400_000);
			const part = { bid: random(16), n: 0, bytes: data.length, digest: sha256(data) };
			await store.putPart(sid, part, body(data));
			const read = () => store.readPart(sid, part);
			const begun = await Promise.all(Array.from({ length: 16 }, read));
			await expect(read()).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 1 });
			await begun[0]!.body.cancel();
			begun.push(await read());
			await expect(read()).rejects.toMatchObject({ code: 'too_many_requests' });
			expect(sha256(Buffer.from(await new Response(asBody(begun[1]!.body)).arrayBuffer()))).toBe(part.digest);
			begun.push(await read());
			// What is refused counts for nothing.
			for (let again = 0; again < 20; again++) {
				const missing = store.readPart(sid, { ...part, n: 1 });
				await expect(missing).rejects.toMatchObject({ code: expect.stringMatching(/part_not_found|too_many/) });
			}
			await Promise.all(begun.slice(2).map(({ body }) => body.cancel()));
			for (let again = 0; again < 20; again++) {
				await expect(store.readPart(sid, { ...part, n: 1 })).rejects.toMatchObject({ code: 'part_not_found' });
			}
			await (await read()).body.cancel();
			await store.close();
		});
	});

	describe(`${name} lets exactly one of many`, () => {
		test('create a session: the same repeat, another is refused', async () => {
			const { store, sid, asked, create } = await setUp();
			const stored = async (from: typeof asked) => (await store.create(sid, from)).stored;
			const first = await Promise.all(Array.from({ length: 20 }, create));
			expect(first.filter((one) => one.stored === 'created')).toHaveLength(1);
			expect(await tally([stored(asked), stored({ ...asked, fingerprint: random(32) })])).toEqual({
				repeated: 1,
				already_exists: 1,
			});
			await store.close();
		});

		test('claim it', async () => {
			const { store, sid, create } = await setUp();
			await create();
			const owners = Array.from({ length: 100 }, () => random(32));
			expect(await tally(owners.map((owner) => store.claim(sid, owner)))).toEqual({ created: 1, already_claimed: 99 });
			const { session } = (await store.find(sid)) as { session: { ownerHash: string } };
			expect(await tally(owners.map((owner) => store.claim(sid, owner)))).toEqual({ repeated: 1, already_claimed: 99 });
			expect(await store.claim(sid, session.ownerHash)).toBe('repeated');
			await store.close();
		});

		test('finish it: 100 manifests at once', async () => {
			const { store, sid, create } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const manifests = Array.from({ length: 100 }, () => random(64));
			const sent = await tally(manifests.map((manifest) => store.putManifest(sid, manifest)));
			expect(sent).toEqual({ created: 1, already_sent: 99 });
			const kept = await store.readManifest(sid);
			expect(manifests).toContain(kept);
			expect(await tally(manifests.map((manifest) => store.putManifest(sid, manifest)))).toEqual({
				repeated: 1,
				already_sent: 99,
			});
			await store.close();
		});

		test('store a part: those with the same octets repeat, others are refused', async () => {
			const { store, sid, create, put } = await setUp();
			await create();
			await store.claim(sid, random(32));
			const [same, different] = [random(16), random(16)];
			const alike = Array.from({ length: 8 }, () => put(same, 0));
			expect(await tally(alike)).toEqual({ created: 1, repeated: 7 });
			const unlike = Array.from({ length: 8 }, (_, i) => put(different, 0, encode(`octets ${i}`)));
			expect(await tally(unlike)).toEqual({ created: 1, already_exists: 7 });
			expect(await store.find(sid)).toMatchObject({ session: { parts: 2, bytes: 21 } });
			await store.close();
		});
	});

	describe(`${name} forgets`, () => {
		test('sessions that have expired, when it sweeps', async () => {
			const { place, store, sid, create, put, pass } = await setUp();
			await create();
			await store.claim(sid, random(32));
			await put(random(16), 0);
			await pass(590_000);
			await store.sweep?.();
			expect(await place.dump()).toContain('sealed octets');
			await pass(10_000);
			await store.sweep?.();
			expect(await place.dump()).not.toContain('sealed octets');
			expect(await store.find(sid)).toMatchObject({ kind: 'gone' });
			await store.close();
		});

		test('a session in the very millisecond in which it expires, whoever asks, and its octets with it', async () => {
			const { place, clock, store, sid, create, put } = await setUp();
			await create();
			await store.claim(sid, random(32));
			await put(random(16), 0);
			clock.time += 599_999;
			expect(await store.find(sid)).toMatchObject({ kind: 'live' });
			clock.time += 1;
			await expect(store.listParts(sid)).rejects.toMatchObject({ code: 'session_gone' });
			expect(await place.dump()).not.toContain('sealed octets');
			await store.close();
		});

		test('sessions that have expired while it was not running, when it starts', async () => {
			const { place, clock, store, sid, create, put, pass } = await setUp();
			await create();
			await store.claim(sid, random(32));
			await put(random(16), 0);
			await store.close();
			await pass(600_000);
			const again = await place.open(clock);
			expect(await place.dump()).not.toContain('sealed octets');
			expect(await again.find(sid)).toMatchObject({ kind: 'gone' });
			await again.close();
		});

		test('that there was a session, a day after its end', async () => {
			const { place, store, sid, asked, create, pass } = await setUp();
			await create();
			await store.remove(sid);
			await pass(TOMBSTONE_MS - 10_000);
			await store.sweep?.();
			expect(await place.dump()).toContain(asked.readHash);
			await pass(10_000);
			await store.sweep?.();
			expect(await store.find(sid)).toBeNull();
			const kept = await place.dump();
			for (const trace of [sid, asked.readHash, asked.writeHash]) expect(kept).not.toContain(trace);
			await store.close();
		});

		test('a watcher as soon as it goes away', async () => {
			const { store, sid, create } = await setUp();
			await create();
			const end = new AbortController();
			const watch = store.watch(sid);
			const waiting = watch.changed(end.signal);
			end.abort();
			await waiting;
			await watch.changed(AbortSignal.abort());
			watch.close();
			await store.close();
		});
	});

	describe(`${name} wakes`, () => {
		type Setup = Awaited<ReturnType<typeof setUp>>;
		const bid = random(16);
		const owner = random(32);
		/** What each of these does is there when the watcher looks. */
		const events: [string, (setup: Setup) => Promise<unknown>, (setup: Setup) => Promise<unknown>, unknown][] = [
			['a claim', ({ store, sid }) => store.claim(sid, owner), ({ store, sid }) => store.find(sid), 'claimed'],
			['a part', ({ put }) => put(bid, 0), async ({ store, sid }) => (await store.listParts(sid))[0], bid],
			['a manifest', ({ store, sid }) => store.putManifest(sid, 'm'), ({ store, sid }) => store.find(sid), 'sent'],
		];

		test.each(events)('its watchers for %s as soon as it is stored, and not when it is repeated', async (...event) => {
			const [name, happen, look, shows] = event;
			const setup = await setUp();
			const { store, sid, create, settled } = setup;
			await create();
			if (name !== 'a claim') await store.claim(sid, owner);
			await settled();
			const end = new AbortController();
			const watch = store.watch(sid);
			const waiting = watch.changed(end.signal).then(() => look(setup));
			expect(await happen(setup)).toBe('created');
			expect(JSON.stringify(await waiting)).toContain(shows);
			watch.close();

			await settled();
			let woken = false;
			const second = store.watch(sid);
			const still = second.changed(end.signal).then(() => {
				woken = true;
			});
			expect(await happen(setup)).toBe('repeated');
			await settled();
			expect(woken).toBe(false);
			end.abort();
			await still;
			second.close();
			await store.close();
		});

		test('its watchers when the session is ended', async () => {
			const { store, sid, create } = await setUp();
			await create();
			const watch = store.watch(sid);
			await store.remove(sid);
			await watch.changed(new AbortController().signal);
			watch.close();
			await store.close();
		});

		test('whoever began to watch before it happened and waits after it', async () => {
			const { store, sid, create, settled } = await setUp();
			await create();
			const watch = store.watch(sid);
			await store.claim(sid, owner);
			await settled();
			await watch.changed(new AbortController().signal);
			watch.close();
			await store.close();
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
			expect(await tally(calls())).toEqual({ session_not_found: 7 });
			await create();
			await store.remove(sid);
			expect(await tally(calls())).toEqual({ session_gone: 7 });
			await store.close();
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
			await store.close();
		});
	});

	test(`${name} is ready`, async () => {
		const { store } = await setUp();
		await store.ready();
		await store.close();
	});
}
