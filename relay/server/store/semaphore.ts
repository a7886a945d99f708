/** At most `most` tasks at a time, in the order in which they were asked for. */
export class Semaphore {
	#free: number;
	#waiting: (() => void)[] = [];

	constructor(most: number) {
		this.#free = most;
	}

	async run<T>(task: () => Promise<T>): Promise<T> {
		if (this.#free > 0) this.#free--;
		else await new Promise<void>((resolve) => this.#waiting.push(resolve));
		try {
			return await task();
		} finally {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#free++;
		}
	}
}
