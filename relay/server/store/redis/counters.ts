/**
 * Counts that all replicas share. Not rate-limiter-flexible's: its windows begin with the first count, so that one of a day
 * would be kept into the next; what is left of it is INCR.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, DAY_MS } from '../../clock.js';
import type { Counters } from '../../counters.js';
import type { Connection } from './connection.js';

export function redisCounters(commands: Connection, prefix: string, clock: Clock): Counters {
	return {
		async count(key, { seconds, most }) {
			const now = clock.now();
			const window = Math.floor(now / (seconds * 1000));
			const left = (window + 1) * seconds * 1000 - now;
			const name = `${prefix}:count:${seconds}:${window}:${key}`;
			const [count] = await commands.run((client) =>
				client.multi().incr(name).pExpire(name, Math.ceil(left)).execTyped(),
			);
			return { allowed: count <= most, endsIn: Math.ceil(left / 1000) };
		},

		async salt(day) {
			const name = `${prefix}:salt:${day}`;
			const made = randomBytes(32).toString('base64');
			// A minute at least: a replica whose clock is a little behind may still ask for it.
			const value = Math.max(Date.parse(day) + DAY_MS - clock.now(), 60_000);
			const expiration = { type: 'PX', value: Math.ceil(value) } as const;
			const there = await commands.run((client) => client.set(name, made, { condition: 'NX', GET: true, expiration }));
			return Buffer.from(there ?? made, 'base64');
		},
	};
}
