import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { describe, expect, test } from 'vitest';
import { openDiskStore } from '../../../relay/server/store/disk.js';
import { storeSuite } from './store.suite.js';
import { ManualClock, random, sha256, temporaryDirectory } from './support.js';

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
	return { open: (clock) => openDiskStore({ directory, clock }), dump: () => dump(directory) };
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
		const store = await openDiskStore({ directory, clock });
		const sid = random(16);
		await store.create(sid, session(clock));
		expect((await stat(directory)).mode & 0o777).toBe(0o700);
		for (const path of await files(directory)) expect((await stat(path)).mode & 0o777).toBe(0o600);
		store.close();
	});

	test('names files by ids and hashes only', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openDiskStore({ directory, clock });
		const [sid, bid, data] = [random(16), random(16), new Uint8Array(10)];
		await store.create(sid, session(clock));
		await store.claim(sid, random(32));
		await store.putPart(sid, { bid, n: 4, bytes: 10, digest: sha256(data) }, once(data));
		await store.putManifest(sid, 'm');
		const base = join(directory, 'sessions', sid);
		expect((await files(directory)).sort()).toEqual(
			[join(base, `${bid}.4.${sha256(data)}`), join(base, 'manifest'), join(base, 'session.json')].sort(),
		);
		await store.remove(sid);
		expect(await files(directory)).toEqual([join(directory, 'gone', `${sid}.json`)]);
		store.close();
	});

	test('is cleared on start of what a dead process had begun or could not finish', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const first = await openDiskStore({ directory, clock });
		const [sid, kept] = [random(16), random(16)];
		await first.create(sid, session(clock));
		await first.create(kept, session(clock));
		const record = await readFile(join(directory, 'sessions', sid, 'session.json'));
		await first.remove(sid);
		first.close();
		// A deletion that got no further than its tombstone; a creation without its record; a part half written.
		await mkdir(join(directory, 'sessions', sid));
		await writeFile(join(directory, 'sessions', sid, 'session.json'), record);
		await mkdir(join(directory, 'sessions', random(16)));
		await writeFile(join(directory, 'staging', 'half'), 'half a part');
		await writeFile(join(directory, 'gone', 'foreign.json'), 'x');
		const second = await openDiskStore({ directory, clock });
		expect(await readdir(join(directory, 'sessions'))).toEqual([kept]);
		expect(await readdir(join(directory, 'staging'))).toEqual([]);
		expect(await readdir(join(directory, 'gone'))).toEqual([`${sid}.json`]);
		expect(await second.find(sid)).toMatchObject({ kind: 'gone' });
		second.close();
	});

	test('that cannot be written makes the store not ready', async () => {
		const directory = temporaryDirectory();
		const store = await openDiskStore({ directory, clock: new ManualClock() });
		await rm(join(directory, 'staging'), { recursive: true });
		await expect(store.ready()).rejects.toThrow();
		store.close();
	});
});

describe('the sweeper', () => {
	test('removes what a deletion that failed has left', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openDiskStore({ directory, clock });
		const [sid, left] = [random(16), random(16)];
		await store.create(sid, session(clock));
		await mkdir(join(directory, 'sessions', left));
		await store.sweep();
		expect(await readdir(join(directory, 'sessions'))).toEqual([sid]);
		store.close();
	});

	test('runs every minute until the store is closed', async () => {
		const directory = temporaryDirectory();
		const clock = new ManualClock();
		const store = await openDiskStore({ directory, clock });
		const sid = random(16);
		await store.create(sid, { ...session(clock), expiresAt: clock.now() + 90_000 });
		const there = () => existsSync(join(directory, 'sessions', sid));
		clock.advance(60_000);
		await until(() => clock.timers.size === 1);
		expect(there()).toBe(true);
		clock.advance(60_000);
		await until(() => clock.timers.size === 1 && !there());
		store.close();
		expect(clock.timers.size).toBe(0);
	});
});

describe('a process that is killed', () => {
	test('leaves only whole parts, and exactly those that it had acknowledged are certain', async () => {
		const directory = temporaryDirectory();
		const script = await bundle('./killed-writer.ts');
		const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
		const acknowledged: string[] = [];
		await new Promise<void>((resolve, reject) => {
			let buffer = '';
			child.once('error', reject);
			child.once('exit', () => resolve());
			child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
				const lines = (buffer + chunk).split('\n');
				buffer = lines.pop() ?? '';
				acknowledged.push(...lines);
				if (acknowledged.length >= 40) child.kill('SIGKILL');
			});
		});
		expect(child.signalCode).toBe('SIGKILL');
		const [sid, ...parts] = acknowledged;
		const store = await openDiskStore({ directory, clock: new ManualClock(Date.now()) });
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
		store.close();
	});
});

/** Node runs no TypeScript: one file of JavaScript with everything in it. */
async function bundle(path: string): Promise<string> {
	const outDir = temporaryDirectory();
	await build({
		configFile: false,
		logLevel: 'error',
		ssr: { noExternal: true },
		build: {
			outDir,
			ssr: fileURLToPath(new URL(path, import.meta.url)),
			rollupOptions: { output: { entryFileNames: 'main.mjs' } },
		},
	});
	return join(outDir, 'main.mjs');
}

async function* once(data: Uint8Array) {
	yield data;
}

async function until(condition: () => boolean) {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
