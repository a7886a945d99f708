/** What is measured: the relay as people run it, and a Redis where it keeps things, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/free-port.js';
// @ts-expect-error a script without types, shared with the tests
import { redisServer } from '../../tools/redis.mjs';
import { Client } from './http.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export const STORES = ['disk', 'redis'] as const;
export type StoreKind = (typeof STORES)[number];

/** A folder that goes with the bench, on the disk of the system's temporary ones. */
export class Work {
	readonly #ends: (() => Promise<unknown>)[] = [];

	private constructor(readonly dir: string) {}

	static async begin(): Promise<Work> {
		return new Work(await mkdtemp(join(tmpdir(), 'satchel-bench-relay-')));
	}

	onEnd(end: () => Promise<unknown>): void {
		this.#ends.unshift(end);
	}

	async end(): Promise<void> {
		for (const end of this.#ends) await end();
		await rm(this.dir, { recursive: true, force: true });
	}
}

/** Limits out of the way: all clients come from one address. */
const GENEROUS = { SESSIONS_PER_MINUTE: '1000000', SESSIONS_PER_DAY: '1000000', HOST: '127.0.0.1' };

export class RelayProcess {
	#child: ChildProcess | undefined;
	client: Client;

	private constructor(
		readonly port: number,
		private readonly env: Record<string, string>,
		/** Modules that it loads before itself. */
		private readonly preload: string[],
	) {
		this.client = new Client(port);
	}

	/** @param store a folder, or the URL of a Redis */
	static async start(
		work: Work,
		store: { dir: string } | { url: string },
		env: Record<string, string> = {},
		preload: string[] = [],
	): Promise<RelayProcess> {
		const port = await freePort();
		const where: Record<string, string> = 'dir' in store ? { DATA_DIR: store.dir } : { REDIS_URL: store.url };
		const relay = new RelayProcess(port, { ...GENEROUS, PORT: String(port), ...where, ...env }, preload);
		work.onEnd(() => relay.kill());
		await relay.start();
		return relay;
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	async start(): Promise<void> {
		const args = [...this.preload.flatMap((path) => ['--import', path]), join(root, 'dist/node/relay.js')];
		const child = spawn(process.execPath, args, {
			cwd: root,
			env: { PATH: process.env.PATH ?? '', ...this.env },
			stdio: ['ignore', 'ignore', 'inherit'],
		});
		this.#child = child;
		await listening(this.port, () => child.exitCode !== null);
		this.client = new Client(this.port);
	}

	/** Ends it at once, and its connections with it. */
	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		this.client.close();
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const gone = new Promise((resolve) => child.once('exit', resolve));
		child.kill(signal);
		await gone;
	}

	/** Resident memory, octets. */
	async memory(): Promise<number> {
		return residentMemory(this.pid);
	}
}

/** Octets. */
export async function residentMemory(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

export class RedisProcess {
	#child: ChildProcess | undefined;

	private constructor(
		readonly port: number,
		private readonly dir: string,
		private readonly options: string[],
	) {}

	/** With everything on disk before it is acknowledged, unless `options` say otherwise. */
	static async start(work: Work, options = ['--appendonly', 'yes', '--appendfsync', 'always']): Promise<RedisProcess> {
		const redis = new RedisProcess(await freePort(), await mkdtemp(join(work.dir, 'redis-')), options);
		work.onEnd(() => redis.kill());
		await redis.start();
		return redis;
	}

	get url(): string {
		return `redis://127.0.0.1:${this.port}`;
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	async start(): Promise<void> {
		const server: string | undefined = redisServer();
		if (!server) throw new Error('no redis-server');
		const options = [
			'--port',
			String(this.port),
			'--bind',
			'127.0.0.1',
			'--dir',
			this.dir,
			'--save',
			'',
			...this.options,
		];
		const child = spawn(server, options, { stdio: ['ignore', 'ignore', 'inherit'] });
		this.#child = child;
		await listening(this.port, () => child.exitCode !== null);
	}

	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const gone = new Promise((resolve) => child.once('exit', resolve));
		child.kill(signal);
		await gone;
	}

	/** How often each command was called since the start, by its own account. */
	async calls(): Promise<Map<string, number>> {
		const text = await this.command('INFO commandstats');
		return new Map(
			[...text.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, calls]) => [name ?? '', Number(calls)]),
		);
	}

	/** How many keys hold octets of parts or uploads: long texts. What remembers an ended session is short. */
	async longKeys(): Promise<number> {
		const names = [...(await this.command('KEYS *')).matchAll(/^\$\d+\r\n(satchel:.+)\r$/gm)].map(([, name]) => name);
		const lengths = await Promise.all(names.map((name) => this.command(`STRLEN ${name}`)));
		return lengths.filter((answer) => Number(/^:(\d+)/m.exec(answer)?.[1] ?? 0) > 1000).length;
	}

	/** An inline command and its answer as it came. */
	private command(line: string): Promise<string> {
		return new Promise((resolve, reject) => {
			const socket = connect(this.port, '127.0.0.1');
			let text = '';
			socket.on('data', (chunk) => {
				text += chunk;
				if (text.includes('+OK\r\n')) socket.end();
			});
			socket.on('close', () => resolve(text));
			socket.on('error', reject);
			socket.write(`${line}\r\nQUIT\r\n`);
		});
	}
}

/** A relay on a store of its own. @param options of Redis */
export async function startOn(
	work: Work,
	store: StoreKind,
	options?: string[],
): Promise<{ relay: RelayProcess; redis: RedisProcess | null }> {
	const redis = store === 'redis' ? await RedisProcess.start(work, options) : null;
	return { relay: await RelayProcess.start(work, redis ? { url: redis.url } : { dir: dataDir(work) }), redis };
}

/** Where `startOn` has a disk store keep things. */
export const dataDir = (work: Work) => join(work.dir, 'data');

/** How many files are below a folder. */
export async function filesBelow(dir: string): Promise<number> {
	const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
	return entries.filter((entry) => entry.isFile()).length;
}

async function listening(port: number, dead: () => boolean): Promise<void> {
	for (let tries = 0; ; tries++) {
		const open = await new Promise((resolve) => {
			const socket = connect(port, '127.0.0.1');
			socket.once('connect', () => resolve(true));
			socket.once('error', () => resolve(false));
			socket.once('connect', () => socket.destroy());
		});
		if (open) return;
		if (dead() || tries > 2000) throw new Error('it did not start');
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
