/** Where people reach the relay. */
import type { RelayConfig } from './config.js';
import { isLoopback } from './loopback.js';

/** Addresses to listen on that nobody can go to. */
const everywhere = new Set(['0.0.0.0', '::']);

/**
 * The configured origin, or that of the address it listens on. Never what a request says: its Host is the client's word.
 * `port` is the one that was taken.
 */
export function originOf({ baseUrl, host, port }: Pick<RelayConfig, 'baseUrl' | 'host' | 'port'>): string {
	return baseUrl ?? `http://${everywhere.has(host) ? 'localhost' : named(host)}:${port}`;
}

/** Whether nobody but this machine is listened to. */
export function isPrivate({ host }: Pick<RelayConfig, 'host'>): boolean {
	return isLoopback({ hostname: named(host) });
}

const named = (host: string) => (host.includes(':') ? `[${host}]` : host);
