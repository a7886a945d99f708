/** How often somebody may do a thing. What is kept of an address says nothing about it, and is worthless the next day. */
import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { type Clock, DAY_MS } from './clock.js';
import type { Counters, Window } from './counters.js';
import { RelayError } from './errors.js';

/** Seconds. */
export const MINUTE = 60;
export const DAY = DAY_MS / 1000;

/** A limit of one kind, in one window or several: `new Limit(counters, clock, 'sessions', [{ seconds: MINUTE, most: 60 }])`. */
export class Limit {
	constructor(
		private readonly counters: Counters,
		private readonly clock: Clock,
		private readonly name: string,
		/** Shortest first: what a shorter one refuses does not count in the longer ones. */
		private readonly windows: readonly Window[],
	) {}

	/** @throws {RelayError} `too_many_requests` with the seconds until the window's end */
	async take(whom: string): Promise<void> {
		const salt = await this.counters.salt(new Date(this.clock.now()).toISOString().slice(0, 10));
		const who = createHmac('sha256', salt).update(`${this.name}\0${whom}`).digest('base64url');
		for (const window of this.windows) {
			const { allowed, endsIn } = await this.counters.count(`${this.name}:${window.seconds}:${who}`, window);
			if (!allowed) throw new RelayError('too_many_requests', { retryAfter: Math.max(endsIn, 1) });
		}
	}
}

/**
 * Whom to count a request for: the peer of the connection, or what the trusted proxy in front says it is (the last
 * entry of X-Forwarded-For; the ones before it are the client's own words). An entry that is no address counts as the peer.
 */
export function addressOf(request: Request, peer: string | undefined, trustProxy: boolean): string {
	const forwarded = trustProxy ? (request.headers.get('X-Forwarded-For')?.split(',').at(-1) ?? '') : '';
	return prefix(forwarded) ?? prefix(peer ?? '') ?? '';
}

/** An IPv4 address, or the first half of an IPv6 one: a /64 is what one subscriber has. Null for anything else. */
function prefix(text: string): string | null {
	// Some proxies add the port, and write IPv6 in brackets then (RFC 7239, section 6); a zone names an interface of this machine.
	const bare = text
		.trim()
		.replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
		.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')
		.replace(/%.*$/, '');
	const kind = isIP(bare);
	if (kind === 4) return bare;
	if (kind === 0) return null;
	// URL writes it in one way: small letters, no leading zeros, nothing with dots.
	const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
	const [before, after] = [head, tail ?? ''].map((half) => half.split(':').filter(Boolean)) as [string[], string[]];
	const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
	const all = [...before, ...zeros, ...after];
	// IPv4-mapped (RFC 4291, section 2.5.5.2).
	if (all.slice(0, 6).join(':') === '0:0:0:0:0:ffff') {
		return all
			.slice(6)
			.map((half) => Number.parseInt(half, 16))
			.flatMap((half) => [half >> 8, half & 255])
			.join('.');
	}
	return all.slice(0, 4).join(':');
}
