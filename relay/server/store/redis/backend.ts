/**
 * The backend of many relays: Redis 7 or Valkey. All of them share sessions, counts and salts; of its own each has its keys
 * and configuration, its limit of uploads, its log and its metrics.
 *
 * What Redis acknowledges is as durable as Redis is told to be. With `appendonly yes` and `appendfsync always` everything
 * that a relay has acknowledged is there after a crash; with `everysec` all but the last second; with snapshots alone, or
 * after a failover, what the last one or the replica had. A wallet whose part or session is gone is told so (404) and a
 * person begins again: nothing is delivered in part, since the agent checks every part against the manifest.
 */
import type { Backend } from '../../backend.js';
import type { Clock } from '../../clock.js';
import type { RelayConfig } from '../../config/config.js';
import type { Log } from '../../deps.js';
import { RelayError } from '../../errors.js';
import { Watches } from '../watches.js';
import { unreachable, warnOfConfiguration } from './checks.js';
import { Connection, type RedisClient } from './connection.js';
import { redisCounters } from './counters.js';
import { failureCode, lasting, RedisFailure } from './failures.js';
import { RedisStore } from './store.js';

export interface RedisOptions {
	/** Begins every key. */
	prefix?: string;
	/** How long a command may take, in ms. */
	commandMs?: number;
	/** How long an upload lives without a piece, in ms; longer than the server keeps a connection on which nothing moves. */
	uploadMs?: number;
}

/** @throws {ConfigError} `redis_unreachable`, `redis_refused`, in words without the URL's password */
export async function openRedisBackend(
	url: string,
	config: RelayConfig,
	clock: Clock,
	log: Log,
	{ prefix = 'satchel', commandMs = 3000, uploadMs = 90_000 }: RedisOptions = {},
): Promise<Backend> {
	const opened: Connection[] = [];
	const open = async (name: string, onReady?: (client: RedisClient) => Promise<void>) => {
		const connection = await Connection.open({ url, name, log, commandMs, ...(onReady && { onReady }) });
		opened.push(connection);
		return connection;
	};
	const close = async () => {
		await Promise.all(opened.map((connection) => connection.close()));
	};
	const watches = new Watches();
	const heard = (sid: string) => watches.wake(sid);
	try {
		const commands = await open('commands');
		const octets = await open('octets');
		const listener = await open('listener', async (client) => {
			await client.subscribe(`${prefix}:changed`, heard);
			// Whatever happened while nobody listened.
			watches.wakeAll();
		});
		const listening = () => listener.run((client) => client.ping());
		const { uploadsPerSession, uploads } = config;
		const store = new RedisStore({
			...{ clock, prefix, uploadMs, uploadsPerSession, uploads },
			...{ commands, octets, watches, listening },
		});
		await store.ready().catch((thrown: unknown) => {
			const code = failureCode(thrown instanceof RelayError ? thrown.cause : thrown);
			if (lasting.has(code)) throw new RedisFailure(code);
			log.warn({ systemCode: code }, 'Redis takes no writes now');
		});
		await warnOfConfiguration(commands, clock, log);
		return { store, counters: redisCounters(commands, prefix, clock), close };
	} catch (thrown) {
		await close();
		throw unreachable(url, thrown);
	}
}
