/** Time as the relay knows it; tests bring their own. */
import { uptime } from 'node:os';

export const DAY_MS = 24 * 3600 * 1000;

export interface Clock {
	/** Milliseconds since the epoch, whole. Never less than before. */
	now(): number;
	/** From here on it is at least that time: what was known before a restart. */
	atLeast(time: number): void;
	/** Runs `run` once in `ms` milliseconds. The answer cancels it. Never keeps the process alive. */
	after(ms: number, run: () => void): () => void;
}

/**
 * The wall clock where it runs ahead, and the time that really went by where it was set back: an hour is never longer than an hour.
 * Set forward, it stays there.
 */
export function steadyClock(wall: () => number = Date.now, elapsed: () => number = sinceStart()): Clock {
	// The time at which `elapsed` was 0; it only grows.
	let origin = Number.NEGATIVE_INFINITY;
	let last = Number.NEGATIVE_INFINITY;
	const reach = (time: number) => {
		const ran = elapsed();
		origin = Math.max(origin, time - ran);
		last = Math.max(last, time, Math.floor(origin + ran));
		return last;
	};
	return {
		now: () => reach(wall()),
		atLeast: (time) => void reach(time),
		after(ms, run) {
			const timer = setTimeout(run, ms);
			timer.unref();
			return () => clearTimeout(timer);
		},
	};
}

export const systemClock: Clock = steadyClock();

/**
 * Milliseconds that went by, also while the machine slept: `performance.now` stands still then, and the system's uptime, which does
 * not, counts in steps of up to a second.
 */
function sinceStart(): () => number {
	const step = 1000;
	const begun = uptime() * 1000 - performance.now();
	return () => Math.max(performance.now(), uptime() * 1000 - begun - step);
}
