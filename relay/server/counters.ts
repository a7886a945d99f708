/** Counting how often: what limits stand on, and counters of one process. Those of many are in `store/redis`. */
import { randomBytes } from 'node:crypto';
import { type Clock, DAY_MS } from './clock.js';

/** Counters that all processes on a backend share. Keys say nothing of whom they count: see `limits.ts`. */
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

/** Keys of one window; beyond them the oldest goes, so that no crowd of addresses fills the memory. */
const MOST_KEYS = 1_000_000;

/**
 * In memory. Not rate-limiter-flexible's: its memory store reads the system's time, has a timer for
 * each key, and starts a window with the first count, so that nothing is forgotten at a time that can be told.
 */
export function memoryCounters(clock: Clock): Counters {
	const windows = new Map<number, { ends: number; counts: Map<string, number> }>();
	let secret: { day: string; salt: Uint8Array } | undefined;

	/** The window of that length in which it is now. It goes with its end, whether or not anybody counts again. */
	function current(seconds: number) {
		const now = clock.now();
		const known = windows.get(seconds);
		if (known && now < known.ends) return known;
		const opened = { ends: (Math.floor(now / (seconds * 1000)) + 1) * seconds * 1000, counts: new Map() };
		windows.set(seconds, opened);
		clock.after(opened.ends - now, () => {
			if (windows.get(seconds) === opened) windows.delete(seconds);
		});
		return opened;
	}

	return {
		async count(key, { seconds, most }) {
			const { ends, counts } = current(seconds);
			const count = (counts.get(key) ?? 0) + 1;
			if (count === 1 && counts.size >= MOST_KEYS) counts.delete(counts.keys().next().value!);
			if (count <= most) counts.set(key, count);
			return { allowed: count <= most, endsIn: Math.ceil((ends - clock.now()) / 1000) };
		},

		async salt(day) {
			if (secret?.day !== day) {
				const made = { day, salt: randomBytes(32) };
				secret = made;
				clock.after(Math.max(Date.parse(day) + DAY_MS - clock.now(), 0), () => {
					if (secret === made) secret = undefined;
				});
			}
			return secret.salt;
		},
	};
}
