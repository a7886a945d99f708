/** How often one address may do a thing. Kept in memory and forgotten within a minute. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from './clock.js';
import { RelayError } from './errors.js';

const WINDOW_MS = 60_000;

/** Counts in fixed windows of a minute. */
export class RateLimit {
	#counts = new Map<string, number>();
	#window = 0;
	/** Made anew for each window: what is kept of an address says nothing about it afterwards. */
	#salt = randomBytes(32);

	constructor(
		private readonly perMinute: number,
		private readonly clock: Clock,
	) {}

	/** @throws {RelayError} `too_many_requests` with the seconds until the next window */
	take(address: string): void {
		const now = this.clock.now();
		const window = Math.floor(now / WINDOW_MS);
		if (window !== this.#window) {
			this.#window = window;
			this.#salt = randomBytes(32);
			this.#counts.clear();
		}
		const key = createHmac('sha256', this.#salt).update(address).digest('base64url');
		const count = (this.#counts.get(key) ?? 0) + 1;
		if (count > this.perMinute) {
			throw new RelayError('too_many_requests', { retryAfter: Math.ceil(((window + 1) * WINDOW_MS - now) / 1000) });
		}
		this.#counts.set(key, count);
	}
}

/**
 * Whom to count a request for: the peer of the connection, or what the trusted proxy in front says it is (the last
 * entry of X-Forwarded-For; the ones before it are the client's own words). An IPv6 address counts by its /64, which
 * is what one subscriber has.
 */
export function addressOf(request: Request, peer: string | undefined, trustProxy: boolean): string {
	const forwarded = trustProxy ? request.headers.get('X-Forwarded-For')?.split(',').at(-1)?.trim() : undefined;
	const address = forwarded || peer || '';
	if (!address.includes(':') || address.startsWith('::ffff:')) return address;
	const [head = '', tail] = address.split('::');
	const groups = head.split(':').filter(Boolean);
	if (tail !== undefined) while (groups.length < 4) groups.push('0');
	return groups.slice(0, 4).join(':');
}
