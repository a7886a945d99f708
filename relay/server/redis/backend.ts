/** The store of many machines: Redis or Valkey. */
import type { Backend } from '../backend.js';
import type { Clock } from '../clock.js';
import type { RelayConfig } from '../config.js';
import type { Log } from '../deps.js';

/** @throws {ConfigError} `redis_unreachable`, in words without the URL's password */
export async function openRedisBackend(_url: string, _config: RelayConfig, _clock: Clock, _log: Log): Promise<Backend> {
	throw new Error('not yet');
}
