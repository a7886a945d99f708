/** What the routes stand on. */
import type { RelayErrorCode } from '../contract.js';
import type { Clock } from './clock.js';
import type { RelayConfig } from './config/config.js';
import type { Counters } from './counters.js';
import type { Metrics } from './metrics.js';
import type { Store } from './store/store.js';

/** The part of pino that is used. Fields never hold ids, tokens, addresses, paths or bodies. */
export interface Log {
	info(fields: object, text: string): void;
	warn(fields: object, text: string): void;
	error(fields: object, text: string): void;
}

export interface RelayDeps {
	store: Store;
	counters: Counters;
	config: RelayConfig;
	log: Log;
	clock: Clock;
	/** Aborts when the relay stops: long polls then answer at once. */
	stopping?: AbortSignal;
	/** Those of the socket; without them the relay has its own. */
	metrics?: Metrics;
}

export interface RouteDeps extends RelayDeps {
	metrics: Metrics;
}

/** What a socket knows of a request beyond it. */
export interface RequestInfo {
	/** The peer's. */
	address?: string;
	/** The body as Node's own stream: a web stream around it costs a third of an upload. At most one of the two is read. */
	body?: AsyncIterable<Uint8Array>;
	/** Ends the connection at once, so that an answer which cannot go on is not taken for a whole one. */
	cut?: () => void;
}

/** What hono carries along with each request. */
export interface RelayEnv {
	Bindings: RequestInfo;
	Variables: {
		correlationId: string;
		/** With the system code of what is behind it, where something is. */
		refusal?: { code: RelayErrorCode; systemCode?: string };
	};
}
