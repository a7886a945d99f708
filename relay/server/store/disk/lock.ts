/** Runs what has the same key one after the other, within this process. */
export class KeyedLock {
	#tails = new Map<string, Promise<unknown>>();

	async run<T>(key: string, task: () => Promise<T>): Promise<T> {
		const previous = this.#tails.get(key) ?? Promise.resolve();
		const current = previous.then(task, task);
		this.#tails.set(key, current);
		try {
			return await current;
		} finally {
			if (this.#tails.get(key) === current) this.#tails.delete(key);
		}
	}
}
