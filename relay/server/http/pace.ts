/** How fast a body must come, or be taken. */
import type { Clock } from '../clock.js';

/** For so long nobody is asked for a rate. */
const FIRST_MS = 10_000;

/** Nobody is looked at more often. */
const OFTEN_MS = 1000;

export interface Pace {
	clock: Clock;
	config: {
		/** Octets a second, on the average. */
		minRate: number;
		/** For all of the body. */
		bodySeconds: number;
	};
}

/**
 * Watches one body. Time is what its own timers have measured: setting the clock does not end uploads. A period in which nobody
 * waited for the other side does not count; a disk that stalls is not the client's doing.
 */
export class Pacer {
	/** Octets that have come. */
	bytes = 0;
	/** Whether the other side is being waited for. */
	waiting = false;
	#passed = 0;
	#cancel: () => void = () => undefined;

	/** @param tooSlow is called at most once, and not after `end` */
	constructor(
		private readonly pace: Pace,
		private readonly tooSlow: () => void,
	) {
		this.#lookAfter(Math.min(FIRST_MS, pace.config.bodySeconds * 1000));
	}

	end(): void {
		this.#cancel();
	}

	#lookAfter(ms: number): void {
		this.#cancel = this.pace.clock.after(ms, () => {
			if (!this.waiting) return this.#lookAfter(ms);
			this.#passed += ms;
			const { minRate, bodySeconds } = this.pace.config;
			const enough = Math.max(FIRST_MS, (this.bytes / minRate) * 1000);
			const left = Math.min(enough, bodySeconds * 1000) - this.#passed;
			if (left <= 0) this.tooSlow();
			else this.#lookAfter(Math.max(left, OFTEN_MS));
		});
	}
}
