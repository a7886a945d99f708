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
		/** For all of the body, or as long as its length takes at that rate, whichever is longer. */
		bodySeconds: number;
	};
}

/** How long a body of that many octets may take, in milliseconds. */
export function bodyMs({ minRate, bodySeconds }: Pace['config'], bytes: number): number {
	return Math.max(bodySeconds, bytes / minRate) * 1000;
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

	/**
	 * @param length octets that the body says it has; 0 where it does not
	 * @param tooSlow is called at most once, and not after `end`
	 */
	constructor(
		private readonly pace: Pace,
		private readonly length: number,
		private readonly tooSlow: () => void,
	) {
		this.#lookAfter(Math.min(FIRST_MS, bodyMs(pace.config, length)));
	}

	end(): void {
		this.#cancel();
	}

	#lookAfter(ms: number): void {
		this.#cancel = this.pace.clock.after(ms, () => {
			if (!this.waiting) return this.#lookAfter(ms);
			this.#passed += ms;
			const { config } = this.pace;
			const enough = Math.max(FIRST_MS, (this.bytes / config.minRate) * 1000);
			const left = Math.min(enough, bodyMs(config, this.length)) - this.#passed;
			if (left <= 0) this.tooSlow();
			else this.#lookAfter(Math.max(left, OFTEN_MS));
		});
	}
}
