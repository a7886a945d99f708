/**
 * A map that keeps the entries of its `most` smallest keys, by their UTF-16 code units. What is kept, and what has been merged into
 * it, depends on what was added and not on the order: an entry that belongs to the smallest was so when it came, and stays.
 */
export class Smallest<T> {
	readonly #kept = new Map<string, T>();
	/** Nothing above it can belong to the smallest any more. */
	#highest: string | null = null;

	constructor(readonly most: number) {}

	/** Makes the entry, or merges into the one that is there. */
	add(key: string, make: () => T, merge: (kept: T) => T): void {
		if (this.#highest !== null && key > this.#highest) return;
		const kept = this.#kept.get(key);
		this.#kept.set(key, kept === undefined ? make() : merge(kept));
		if (this.#kept.size >= 2 * this.most + 1) this.settle();
	}

	get(key: string): T | undefined {
		return this.#kept.get(key);
	}

	/** In the order of the keys. */
	entries(): [string, T][] {
		this.settle();
		return [...this.#kept].sort(([one], [other]) => compare(one, other));
	}

	/** Lets go of what does not belong to the smallest. */
	settle(): void {
		if (this.#kept.size <= this.most) return;
		const keys = [...this.#kept.keys()].sort(compare);
		for (const key of keys.slice(this.most)) this.#kept.delete(key);
		this.#highest = keys[this.most - 1] ?? null;
	}
}

/** By code units: the same everywhere, unlike a locale's order. */
export function compare(one: string, other: string): number {
	return one < other ? -1 : one > other ? 1 : 0;
}
