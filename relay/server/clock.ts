/** Time as the relay knows it; tests bring their own. */
export interface Clock {
	/** Milliseconds since the epoch. */
	now(): number;
	/** Runs `run` once in `ms` milliseconds. The answer cancels it. Never keeps the process alive. */
	after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
	now: Date.now,
	after(ms, run) {
		const timer = setTimeout(run, ms);
		timer.unref();
		return () => clearTimeout(timer);
	},
};
