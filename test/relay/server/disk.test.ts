import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import {
	chmod,
	mkdir,
	open,
	readdir,
	readFile,
	rm,
	stat,
	statfs,
	symlink,
	truncate,
	writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDiskStore } from '../../../relay/server/store/disk/disk.js';
import { Layout } from '../../../relay/server/store/disk/layout.js';
import { Entry } from '../../../relay/server/store/disk/record.js';
import { Sessions } from '../../../relay/server/store/disk/sessions.js';
import { Staging } from '../../../relay/server/store/disk/staging.js';
import { BufferPool, writeExactly } from '../../../relay/server/store/disk/write.js';
import { MOST_PARTS } from '../../../relay/server/store/store.js';
import { Watches } from '../../../relay/server/store/watches.js';
import { bundle, killedAfter } from './bundle.js';
import { storeSuite } from './store.suite.js';
import { ManualClock, random, sha256, temporaryDirectory } from './support.js';

type Options = Parameters<typeof openDiskStore>[0];

function openStore(options: Pick<Options, 'directory' | 'clock'> & Partial<Options>) {
	return openDiskStore({ uploadsPerSession: 16, uploads: 2048, minFreeBytes: 0, ...options });
}

async function files(directory: string): Promise<string[]> {
	const entries = await readdir(directory, { recursive: true, withFileTypes: true });
	return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function dump(directory: string): Promise<string> {
	const texts = (await files(directory)).map(async (path) => `${path}\n${await readFile(path, 'latin1')}`);
	return (await Promise.all(texts)).join('\n');
}

storeSuite('the disk store', () => {
	const directory = temporaryDirectory();
	return { open: (clock) => openStore({ directory, clock }), dump: () => dump(directory) };
});

function session(clock: ManualClock) {
	return {
		readHash: random(32),
		writeHash: random(32),
		expiresAt: clock.now() + 600_000,
		maxBytes: 1e6,
		partBytes: 1e6,
		request: null,
		fingerprint: random(32),
	};
}

describe('the data directory', () => {
	test('is for its owner alone, also when it was open before', async () => {
		const directory = join(temporaryDirectory(), 'data');
		await mkdir(directory, { mode: 0o755 });
		await chmod(directory, 0o755);
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const sid = random(16);
		await store.create(sid, session(clock));
		expect((await stat(directory)).mode & 0o777).toBe(0o700);
		for (const path of await files(directory)) expect((await stat(path)).mode & 0o777).toBe(0o600);
		await store.close();
	});

	test('names files by ids and hashes only', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const [sid, bid, data] = [random(16), random(16), new Uint8Array(10)];
		await store.create(sid, session(clock));
		await store.claim(sid, random(32));
		await store.putPart(sid, { bid, n: 4, bytes: 10, digest: sha256(data) }, once(data));
		await store.putManifest(sid, 'm');
		const base = join(directory, 'sessions', sid);
		expect((await files(directory)).sort()).toEqual(
			[
				join(directory, 'clock.json'),
				join(base, `${bid}.4.${sha256(data)}`),
				join(base, 'manifest'),
				join(base, 'session.json'),
			].sort(),
		);
		await store.remove(sid);
		expect((await files(directory)).sort()).toEqual(
			[join(directory, 'clock.json'), join(directory, 'gone', `${sid}.json`)].sort(),
		);
		await store.close();
	});

	test('is cleared on start of what a dead process had begun or could not finish', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const first = await openStore({ directory, clock });
		const [sid, kept] = [random(16), random(16)];
		await first.create(sid, session(clock));
		await first.create(kept, session(clock));
		const record = await readFile(join(directory, 'sessions', sid, 'session.json'));
		await first.remove(sid);
		await first.close();
		// A deletion that got no further than its tombstone; a creation without its record; a part half written.
		await mkdir(join(directory, 'sessions', sid));
		await writeFile(join(directory, 'sessions', sid, 'session.json'), record);
		await mkdir(join(directory, 'sessions', random(16)));
		await writeFile(join(directory, 'staging', 'half'), 'half a part');
		await writeFile(join(directory, 'gone', 'foreign.json'), 'x');
		const second = await openStore({ directory, clock });
		expect(await readdir(join(directory, 'sessions'))).toEqual([kept]);
		expect(await readdir(join(directory, 'staging'))).toEqual([]);
		expect(await readdir(join(directory, 'gone'))).toEqual([`${sid}.json`]);
		expect(await second.find(sid)).toMatchObject({ kind: 'gone' });
		await second.close();
	});

	test('that cannot be written makes the store not ready', async () => {
		const directory = temporaryDirectory();
		const store = await openStore({ directory, clock: new ManualClock() });
		await rm(join(directory, 'staging'), { recursive: true });
		await expect(store.ready()).rejects.toThrow();
		await store.close();
	});

	test('with things of the wrong kind in it is used without them', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const first = await openStore({ directory, clock });
		const [sid, damaged, plain, linked] = [random(16), random(16), random(16), random(16)];
		await first.create(sid, session(clock));
		await first.create(damaged, session(clock));
		await first.close();
		const [gone, sessions] = [join(directory, 'gone'), join(directory, 'sessions')];
		await rm(join(directory, 'clock.json'));
		await mkdir(join(directory, 'clock.json'));
		await mkdir(join(gone, 'folder'));
		await mkdir(join(gone, `${random(16)}.json`, 'x'), { recursive: true });
		execFileSync('mkfifo', [join(gone, `${random(16)}.json`)]);
		await symlink(join(sessions, sid, 'session.json'), join(gone, `${linked}.json`));
		await rm(join(sessions, damaged, 'session.json'));
		await mkdir(join(sessions, damaged, 'session.json'));
		await writeFile(join(sessions, plain), 'no folder');
		await mkdir(join(sessions, sid, `${random(16)}.0.${random(32)}`));

		const second = await openStore({ directory, clock });
		expect(await second.find(sid)).toMatchObject({ kind: 'live', session: { parts: 0 } });
		expect(await second.find(damaged)).toBeNull();
		expect(await readdir(sessions)).toEqual([sid]);
		expect(await readdir(gone)).toEqual([]);
		await second.close();
		expect(JSON.parse(await readFile(join(directory, 'clock.json'), 'utf8'))).toMatchObject({ time: clock.now() });
	});

	test.runIf(existsSync('/proc'))('below /proc is refused at once', async () => {
		const directory = '/proc/satchel/data';
		await expect(openStore({ directory, clock: new ManualClock() })).rejects.toMatchObject({ code: 'ENOENT' });
	});

	test('is made with the folders above it', async () => {
		const directory = join(temporaryDirectory(), 'a', 'b');
		const store = await openStore({ directory, clock: new ManualClock() });
		expect((await stat(directory)).isDirectory()).toBe(true);
		await store.close();
	});
});

describe('one process a directory', () => {
	const use = (directory: string) => openStore({ directory, clock: new ManualClock() });

	test.each(['short', 'l'.repeat(120)])('a second store is refused while the first is open: %s', async (name) => {
		const directory = join(temporaryDirectory(), name);
		const first = await use(directory);
		await writeFile(join(directory, 'staging', 'upload'), 'half a part');
		await expect(use(directory)).rejects.toMatchObject({ code: 'ELOCKED', path: directory });
		// It has not touched what the first one writes, nor the sign that the directory is in use.
		expect(await readdir(join(directory, 'staging'))).toEqual(['upload']);
		await expect(use(directory)).rejects.toMatchObject({ code: 'ELOCKED' });
		await first.close();
		await (await use(directory)).close();
		expect((await readdir(directory)).filter((entry) => entry.startsWith('in-use.'))).toEqual([]);
	});

	test('a store whose sign was taken away is no longer ready, and says so with each sweep', async () => {
		const directory = temporaryDirectory();
		const store = await use(directory);
		const [sign] = (await readdir(directory)).filter((entry) => entry.startsWith('in-use.'));
		await rm(join(directory, sign!));
		await expect(store.ready()).rejects.toMatchObject({ code: 'ELOCKED' });
		await expect(store.sweep()).rejects.toMatchObject({ code: 'ELOCKED' });
		await store.close();
	});

	test('of stores that are opened at the same time at most one has it', async () => {
		const directory = temporaryDirectory();
		const results = await Promise.allSettled(Array.from({ length: 8 }, () => use(directory)));
		const opened = results.filter((result) => result.status === 'fulfilled');
		expect(opened.length).toBeLessThanOrEqual(1);
		for (const result of results) if (result.status === 'rejected') expect(result.reason.code).toBe('ELOCKED');
		for (const { value } of opened) await value.close();
		await (await use(directory)).close();
	});
});

describe('the clock mark', () => {
	test('makes a session end in time though the clock was set back across a restart', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const first = await openStore({ directory, clock });
		const sid = random(16);
		await first.create(sid, session(clock));
		clock.time += 599_000;
		await first.close();
		const back = new ManualClock(clock.time - 600_000);
		const second = await openStore({ directory, clock: back });
		expect(back.now()).toBeGreaterThanOrEqual(clock.time);
		back.advance(1000);
		expect(await second.find(sid)).toMatchObject({ kind: 'gone' });
		await second.close();
	});

	test('is written with each sweep: a process that is killed has noted it', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		clock.time += 60_000;
		await store.sweep();
		expect(JSON.parse(await readFile(join(directory, 'clock.json'), 'utf8'))).toEqual({ v: 1, time: clock.time });
		await store.close();
	});

	test('of a clock that was wrong by days has everything dropped that was kept by it', async () => {
		const directory = temporaryDirectory();
		const wrong = new ManualClock(Date.parse('2027-03-01T00:00:00Z'));
		const first = await openStore({ directory, clock: wrong });
		const [sid, ended] = [random(16), random(16)];
		await first.create(sid, session(wrong));
		await first.create(ended, session(wrong));
		await first.remove(ended);
		await first.close();
		const right = new ManualClock(Date.parse('2026-11-22T00:00:00Z'));
		const second = await openStore({ directory, clock: right });
		expect(right.now()).toBe(Date.parse('2026-11-22T00:00:00Z'));
		expect(await second.find(sid)).toBeNull();
		expect(await second.find(ended)).toBeNull();
		expect(await files(directory)).toEqual([join(directory, 'clock.json')]);
		await second.close();
		// The mark is right again.
		const third = await openStore({ directory, clock: right });
		expect(right.now()).toBe(Date.parse('2026-11-22T00:00:00Z'));
		await third.close();
	});
});

describe('a disk that has less free than it must keep', () => {
	async function free(directory: string) {
		const { bavail, bsize } = await statfs(directory);
		return bavail * bsize;
	}

	test('takes no session and no part, and delivers and deletes what it has', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const plenty = await openStore({ directory, clock });
		const [sid, bid, data] = [random(16), random(16), new Uint8Array(10)];
		const part = { bid, n: 0, bytes: 10, digest: sha256(data) };
		await plenty.create(sid, session(clock));
		await plenty.claim(sid, random(32));
		await plenty.putPart(sid, part, once(data));
		await plenty.close();

		const store = await openStore({ directory, clock, minFreeBytes: 2 ** 60 });
		const unavailable = { code: 'unavailable', retryAfter: 60 };
		await expect(store.create(random(16), session(clock))).rejects.toMatchObject(unavailable);
		await expect(store.putPart(sid, { ...part, n: 1 }, once(data))).rejects.toMatchObject(unavailable);
		expect(await store.free()).toBe(0);
		await store.ready();
		expect(await readdir(join(directory, 'staging'))).toEqual([]);
		expect(await store.putPart(sid, part, once(data))).toBe('repeated');
		const { body } = await store.readPart(sid, { bid, n: 0 });
		expect((await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()).byteLength).toBe(10);
		// Claims and manifests may use what is kept free.
		expect(await store.putManifest(sid, 'm')).toBe('created');
		expect(await store.readManifest(sid)).toBe('m');
		await store.remove(sid);
		expect(existsSync(join(directory, 'sessions', sid))).toBe(false);
		await store.close();
	});

	test('says how much may still be taken', async () => {
		const directory = temporaryDirectory();
		const minFreeBytes = Math.floor((await free(directory)) / 2);
		const store = await openStore({ directory, clock: new ManualClock(), minFreeBytes });
		expect(await store.free()).toBeGreaterThan(minFreeBytes / 2);
		expect(await store.free()).toBeLessThan(minFreeBytes * 1.5);
		await store.close();
	});

	test('counts what is being uploaded as taken, and no longer once it has broken off', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const bytes = Math.floor((await free(directory)) * 0.6);
		const sid = random(16);
		await store.create(sid, { ...session(clock), maxBytes: bytes * 3, partBytes: bytes });
		await store.claim(sid, random(32));
		const part = (n: number) => ({ bid: random(16), n, bytes, digest: random(32) });
		const hanging = hang();
		const first = store.putPart(sid, part(0), hanging.body);
		await hanging.started;
		await expect(store.putPart(sid, part(1), once(new Uint8Array(1)))).rejects.toMatchObject({ code: 'unavailable' });
		hanging.end();
		await expect(first).rejects.toMatchObject({ code: 'bad_request' });
		clock.advance(1000);
		// There is room: what is wrong is its length.
		await expect(store.putPart(sid, part(1), once(new Uint8Array(1)))).rejects.toMatchObject({ code: 'bad_request' });
		await store.close();
	});
});

describe('uploads under way', () => {
	test('are bounded for a session and for all of them', async () => {
		const clock = new ManualClock();
		const store = await openStore({ directory: temporaryDirectory(), clock, uploadsPerSession: 2, uploads: 3 });
		const sids = [random(16), random(16)];
		for (const sid of sids) {
			await store.create(sid, session(clock));
			await store.claim(sid, random(32));
		}
		const [one, two] = sids as [string, string];
		const data = new Uint8Array(10);
		const part = () => ({ bid: random(16), n: 0, bytes: 10, digest: sha256(data) });
		const started: { result: Promise<unknown>; end(): void }[] = [];
		const begin = async (sid: string) => {
			const hanging = hang(data);
			started.push({ result: store.putPart(sid, part(), hanging.body), end: hanging.end });
			await hanging.started;
		};
		await begin(one);
		await begin(one);
		const refused = store.putPart(one, part(), once(data));
		await expect(refused).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 1 });
		await begin(two);
		const full = store.putPart(two, part(), once(data));
		await expect(full).rejects.toMatchObject({ code: 'unavailable', retryAfter: expect.any(Number) });
		for (const { end } of started) end();
		for (const { result } of started) expect(await result).toBe('created');
		expect(await store.putPart(two, part(), once(data))).toBe('created');
		await store.close();
	});

	test('of many parts of one session at the same time are all kept', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock, uploadsPerSession: 100 });
		const [sid, bid] = [random(16), random(16)];
		await store.create(sid, session(clock));
		await store.claim(sid, random(32));
		const data = (n: number) => new Uint8Array(100).fill(n);
		const put = (n: number) => store.putPart(sid, { bid, n, bytes: 100, digest: sha256(data(n)) }, once(data(n)));
		const results = await Promise.all(Array.from({ length: 60 }, (_, n) => put(n % 50)));
		expect(results.filter((stored) => stored === 'created')).toHaveLength(50);
		await store.close();
		const again = await openStore({ directory, clock });
		expect((await again.listParts(sid)).map(({ n, digest }) => [n, digest])).toEqual(
			Array.from({ length: 50 }, (_, n) => [n, sha256(data(n))]),
		);
		await again.close();
	});
});

describe('a part on its way out', () => {
	async function stored(bytes: number) {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		onTestFinished(() => store.close());
		const [sid, bid, data] = [random(16), random(16), randomBytes(bytes)];
		await store.create(sid, session(clock));
		await store.claim(sid, random(32));
		await store.putPart(sid, { bid, n: 0, bytes, digest: sha256(data) }, once(data));
		const path = join(directory, 'sessions', sid, `${bid}.0.${sha256(data)}`);
		return { directory, clock, store, sid, bid, data, path, read: () => store.readPart(sid, { bid, n: 0 }) };
	}

	test('whose file has gone is refused, and not begun', async () => {
		const { path, read } = await stored(1000);
		await rm(path);
		await expect(read()).rejects.toMatchObject({ code: 'part_not_found' });
	});

	test('whose file is shorter than it was breaks off', async () => {
		const { path, read } = await stored(900_000);
		const reader = (await read()).body.getReader();
		await reader.read();
		await truncate(path, 300_000);
		const rest = async () => {
			while (!(await reader.read()).done);
		};
		await expect(rest()).rejects.toMatchObject({ code: 'session_gone' });
	});

	test('is whole, though the session is ended meanwhile', async () => {
		const { store, sid, data, read } = await stored(900_000);
		const { body } = await read();
		await store.remove(sid);
		const got = await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
		expect(Buffer.from(got).equals(data)).toBe(true);
	});

	test.runIf(existsSync('/proc/self/fd'))('keeps no file open that was read, or that nobody takes', async () => {
		const { clock, read } = await stored(900_000);
		const open = () =>
			readdirSync('/proc/self/fd').filter((fd) => {
				try {
					return /satchel-relay-.*\/sessions\//.test(readlinkSync(`/proc/self/fd/${fd}`));
				} catch {
					return false;
				}
			}).length;
		await new Response((await read()).body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
		await (await read()).body.cancel();
		expect(open()).toBe(0);
		// What is small is read before anybody takes it.
		const small = await stored(1000);
		const { body: unread } = await small.read();
		expect(open()).toBe(0);
		await unread.cancel();
		const { body } = await read();
		expect(open()).toBe(1);
		clock.advance(20 * 60_000);
		await until(() => open() === 0);
		const rest = new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
		await expect(rest).rejects.toMatchObject({ code: 'request_timeout' });
		await until(() => clock.timers.size === 1);
	});
});

describe('a session that can neither be marked as ended nor deleted', () => {
	test('has not ended: whoever wanted that is told', async () => {
		const clock = new ManualClock();
		const refuse = () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' }));
		// No path may have a NUL in it.
		const layout = Object.assign(new Layout(temporaryDirectory()), { session: () => 'session\0' });
		const staging = Object.assign(new Staging(layout.staging), { replace: refuse });
		const sessions = new Sessions(layout, staging, new Watches(), clock);
		const sid = random(16);
		const entry = new Entry({ v: 1, ownerHash: null, ...session(clock) }, false);
		sessions.add(sid, entry);
		await expect(sessions.exclusively(sid, () => sessions.bury(sid, entry))).rejects.toThrow();
		expect(await sessions.find(sid)).toMatchObject({ kind: 'live' });
	});
});

test('a session has no more parts than its list can show, those under way included', () => {
	const clock = new ManualClock();
	const entry = new Entry({ v: 1, ownerHash: random(32), ...session(clock) }, false);
	const [bid, digest] = [random(16), random(32)];
	const part = (n: number) => ({ bid: n < 4096 ? bid : `${bid}${n >> 12}`, n: n % 4096, bytes: 1, digest });
	for (let n = 0; n < MOST_PARTS - 1; n++) entry.add(part(n));
	const giveBack = entry.reserve(part(MOST_PARTS));
	expect(() => entry.reserve(part(MOST_PARTS + 1))).toThrow(expect.objectContaining({ code: 'too_large' }));
	entry.reserve(part(MOST_PARTS))();
	giveBack();
	entry.reserve(part(MOST_PARTS + 1))();
});

describe('the sweeper', () => {
	test('removes what a deletion that failed has left', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const [sid, left] = [random(16), random(16)];
		await store.create(sid, session(clock));
		await mkdir(join(directory, 'sessions', left));
		await store.sweep();
		expect(await readdir(join(directory, 'sessions'))).toEqual([sid]);
		await store.close();
	});

	test('removes uploads that nobody writes any more, and leaves those under way', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const [sid, data] = [random(16), new Uint8Array(10)];
		await store.create(sid, session(clock));
		await store.claim(sid, random(32));
		const hanging = hang(data);
		const upload = store.putPart(sid, { bid: random(16), n: 0, bytes: 10, digest: sha256(data) }, hanging.body);
		await hanging.started;
		await until(() => readdirSync(join(directory, 'staging')).length === 1);
		await writeFile(join(directory, 'staging', 'orphan'), 'half a part');
		await store.sweep();
		expect(await readdir(join(directory, 'staging'))).toHaveLength(1);
		hanging.end();
		expect(await upload).toBe('created');
		await store.close();
	});

	test('goes on where one session cannot be deleted, and says so', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const sids = [random(16), random(16), random(16)];
		for (const sid of sids) await store.create(sid, session(clock));
		// Its tombstone has no place: a folder that is not empty is there.
		const [stuck, ...others] = sids as [string, string, string];
		await mkdir(join(directory, 'gone', `${stuck}.json`, 'x'), { recursive: true });
		clock.time += 600_000;
		await expect(store.sweep()).rejects.toThrow();
		for (const sid of others) expect(await readdir(join(directory, 'sessions'))).not.toContain(sid);
		expect(await store.find(stuck)).toMatchObject({ kind: 'gone' });
		await store.close();
	});

	test('runs every minute until the store is closed', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openStore({ directory, clock });
		const sid = random(16);
		await store.create(sid, { ...session(clock), expiresAt: clock.now() + 90_000 });
		const there = () => existsSync(join(directory, 'sessions', sid));
		clock.advance(60_000);
		await until(() => clock.timers.size === 1);
		expect(there()).toBe(true);
		clock.advance(60_000);
		await until(() => clock.timers.size === 1 && !there());
		await store.close();
		expect(clock.timers.size).toBe(0);
	});
});

describe('writing a body', () => {
	const data = Buffer.from(Array.from({ length: 1_700_000 }, (_, at) => (at * 7) % 251));

	/** In chunks of many sizes, some larger than what is written at once. */
	async function* uneven() {
		for (let at = 0, size = 1; at < data.length; at += size, size = (size * 3) % 900_001)
			yield data.subarray(at, at + size);
	}

	function takeAll(pool: BufferPool) {
		const taken: Buffer[] = [];
		for (let buffer = pool.take(); buffer; buffer = pool.take()) taken.push(buffer);
		return taken;
	}

	test.each(['with', 'without'])('keeps its order %s memory to gather it in, and gives that back', async (which) => {
		const path = join(temporaryDirectory(), 'file');
		const pool = new BufferPool();
		const all = takeAll(pool);
		if (which === 'with') for (const buffer of all) pool.give(buffer);
		const file = await open(path, 'w');
		await writeExactly(file, uneven(), data.length, pool);
		await file.close();
		expect((await readFile(path)).equals(data)).toBe(true);
		expect(takeAll(pool)).toHaveLength(which === 'with' ? all.length : 0);
	});

	test('that cannot be written fails, and gives its memory back', async () => {
		const path = join(temporaryDirectory(), 'file');
		await writeFile(path, '');
		const pool = new BufferPool();
		const all = takeAll(pool);
		for (const buffer of all) pool.give(buffer);
		const file = await open(path, 'r');
		await expect(writeExactly(file, uneven(), data.length, pool)).rejects.toMatchObject({ code: 'EBADF' });
		await file.close();
		expect(takeAll(pool)).toHaveLength(all.length);
	});
});

describe('a process that is killed', () => {
	test('leaves only whole parts, and exactly those that it had acknowledged are certain', async () => {
		const directory = temporaryDirectory();
		const script = await bundle(new URL('./killed-writer.ts', import.meta.url));
		const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
		const acknowledged = await killedAfter(child, 40);
		expect(child.signalCode).toBe('SIGKILL');
		const [sid, ...parts] = acknowledged;
		const store = await openStore({ directory, clock: new ManualClock(Date.now()) });
		const listed = await store.listParts(sid!);
		const names = new Set(listed.map(({ bid, n }) => `${bid} ${n}`));
		for (const part of parts) expect(names).toContain(part);
		for (const { bid, n, bytes, digest } of listed) {
			const { body } = await store.readPart(sid!, { bid, n });
			const data = Buffer.from(await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
			expect(data.length).toBe(bytes);
			expect(sha256(data)).toBe(digest);
		}
		expect(await readdir(join(directory, 'staging'))).toEqual([]);
		await store.close();
	});
});

/** A body that says when it is read, and waits to be ended. */
function hang(data?: Uint8Array) {
	let end: () => void = () => undefined;
	let begin: () => void = () => undefined;
	const ended = new Promise<void>((resolve) => {
		end = resolve;
	});
	const started = new Promise<void>((resolve) => {
		begin = resolve;
	});
	const body = (async function* () {
		begin();
		await ended;
		if (data) yield data;
	})();
	return { body, started, end: () => end() };
}

async function* once(data: Uint8Array) {
	yield data;
}

async function until(condition: () => boolean) {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
