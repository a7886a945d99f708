/**
 * Everything that a relay keeps outside of one request. Processes are stateless: with Redis, any of several serves any
 * request; on disk there is one.
 */
import type { Clock } from './clock.js';
import type { RelayConfig } from './config/config.js';
import { type Counters, memoryCounters } from './counters.js';
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
