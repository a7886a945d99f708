/** A Redis of a test's own, on a free port, with its data in a temporary directory; and stores on it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../relay/server/clock.js';
import { relayConfig } from '../../../relay/server/config/config.js';
import type { Log } from '../../../relay/server/deps.js';
import { openRedisBackend, type RedisOptions } from '../../../relay/server/store/redis/backend.js';
import { freePort } from '../../tools/free-port.js';
// @ts-expect-error a script without types
import { redisServer } from '../../tools/redis.mjs';
import { random } from './support.js';

export const server: string | undefined = redisServer();
if (!server) console.warn('SKIPPED: the tests of the Redis store; no redis-server or valkey-server could be had');

export class TestRedis {
	#child: ChildProcess | undefined;
	private constructor(
		readonly url: string,
		private readonly args: string[],
		readonly directory: string,
	) {}

	/** With no persistence unless `args` say so. */
	static async start(...args: string[]): Promise<TestRedis> {
		const directory = mkdtempSync(join(tmpdir(), 'satchel-redis-'));
		const port = await freePort();
		const all = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', ...args];
		const redis = new TestRedis(`redis://127.0.0.1:${port}`, all, directory);
		await redis.run();
		return redis;
	}

	/** Starts it, again after `kill`, and waits until it serves. */
	async run(): Promise<void> {
		const child = spawn(server!, this.args, { stdio: ['ignore', 'pipe', 'inherit'] });
		this.#child = child;
		for await (const line of child.stdout) if (String(line).includes('Ready to accept connections')) break;
		child.stdout.resume();
	}

	async kill(): Promise<void> {
		const child = this.#child;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		child.kill('SIGKILL');
		await once(child, 'exit');
	}

	freeze(): void {
		this.#child?.kill('SIGSTOP');
	}

	thaw(): void {
		this.#child?.kill('SIGCONT');
	}

	async stop(): Promise<void> {
		await this.kill();
		rmSync(this.directory, { recursive: true, force: true });
	}

	/** A client of the test itself. */
	async client() {
		const client = await createClient({ url: this.url }).connect();
		onTestFinished(() => client.destroy());
		return client;
	}
}

/** A Redis that goes with the test. */
export async function ownRedis(...args: string[]): Promise<TestRedis> {
	const redis = await TestRedis.start(...args);
	onTestFinished(() => redis.stop());
	return redis;
}

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A backend that goes with the test, as one replica has it. */
export async function replica(
	url: string,
	clock: Clock,
	{ log = silent, uploads = 2048, ...options }: RedisOptions & { log?: Log; uploads?: number } = {},
) {
	const backend = await openRedisBackend(url, relayConfig({ uploads }), clock, log, {
		prefix: `test-${random(6)}`,
		...options,
	});
	onTestFinished(() => backend.close());
	return backend;
}
