/** What the routes stand on. */
import type { Clock } from './clock.js';
import type { RelayConfig } from './config.js';
import type { RateLimit } from './limits.js';
import type { Store } from './store/store.js';

/** The part of pino that is used. Fields never hold ids, tokens, addresses, paths or bodies. */
export interface Log {
	info(fields: object, text: string): void;
	warn(fields: object, text: string): void;
	error(fields: object, text: string): void;
}

export interface RelayDeps {
	store: Store;
	config: RelayConfig;
	log: Log;
	clock: Clock;
	/** Aborts when the relay stops: long polls then answer at once. */
	stopping?: AbortSignal;
}

export interface RouteDeps extends RelayDeps {
	creations: RateLimit;
}

/** What a socket knows of a request beyond it. */
export interface RequestInfo {
	/** The peer's. */
	address?: string;
	/** The body as Node's own stream: a web stream around it costs a third of an upload. At most one of the two is read. */
	body?: AsyncIterable<Uint8Array>;
}

/** What hono carries along with each request. */
export interface RelayEnv {
	Bindings: RequestInfo;
	Variables: { correlationId: string };
}
