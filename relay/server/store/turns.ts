/**
 * So many tasks at a time. Each sync holds one of Node's four threads for as long as the disk takes: three at a time keep the disk
 * busy, and leave the other thread to those who only write into memory, open or rename.
 */
export class Turns {
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
