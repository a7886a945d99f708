/** Keeps the newest of many, so that an answer about everything does not need the memory of everything. */

interface Dated<T> {
	instant: number;
	order: number;
	value: T;
}

export class Newest<T> {
	#kept: Dated<T>[] = [];
	#count = 0;

	constructor(private readonly most: number) {}

	/** How many there were. */
	get count(): number {
		return this.#count;
	}

	get left(): number {
		return Math.max(0, this.#count - this.most);
	}

	/** @param instant what has none is older than everything */
	add(instant: number | null, value: T): void {
		this.#kept.push({ instant: instant ?? Number.NEGATIVE_INFINITY, order: this.#count++, value });
		if (this.#kept.length >= this.most * 2) this.#prune();
	}

	/** Newest first, those of one instant in the order in which they came. */
	list(): T[] {
		this.#prune();
		return this.#kept.map(({ value }) => value);
	}

	#prune(): void {
		this.#kept.sort((a, b) => (a.instant === b.instant ? a.order - b.order : b.instant > a.instant ? 1 : -1));
		this.#kept.length = Math.min(this.#kept.length, this.most);
	}
}
