/**
 * Everything that a relay keeps outside of one request. Processes are stateless: with Redis, any of several serves any
 * request; on disk there is one.
 */
import type { Clock } from './clock.js';
import type { RelayConfig } from './config/config.js';
import { memoryCounters } from './counters.js';
import type { Log } from './deps.js';
import { describeFailure } from './errors.js';
import { openDiskStore } from './store/disk/disk.js';
import { openRedisBackend } from './store/redis/backend.js';
import type { Store } from './store/store.js';

export interface Backend {
	store: Store;
	counters: Counters;
	/** Store and counters; what is under way may still finish. */
	close(): Promise<void>;
}

/** Counts that all processes on a backend share. Keys say nothing of whom they count: see `limits.ts`. */
export interface Counters {
	/** Counts one more for `key`. Windows are fixed, and forgotten when they end. */
	count(key: string, window: Window): Promise<Counted>;
	/** A secret of `day` (`2026-11-22`, UTC), the same for all processes, and gone when the next one has begun. */
	salt(day: string): Promise<Uint8Array>;
}

export interface Window {
	seconds: number;
	/** The most that is allowed in it. */
	most: number;
}

export interface Counted {
	allowed: boolean;
	/** Seconds until the window ends. */
	endsIn: number;
}

/** @throws a system error when the data directory cannot be used, ConfigError when Redis cannot be reached */
export async function openBackend(config: RelayConfig, clock: Clock, log: Log): Promise<Backend> {
	if (config.redisUrl !== null) return openRedisBackend(config.redisUrl, config, clock, log);
	const { dataDir: directory, uploadsPerSession, uploads, minFreeBytes } = config;
	const store = await openDiskStore({
		directory,
		clock,
		uploadsPerSession,
		uploads,
		minFreeBytes,
		onSweepError: (thrown) => log.error(describeFailure(thrown), 'sweep failed'),
	});
	return { store, counters: memoryCounters(clock), close: () => store.close() };
}
