/** Things to do in order, each under a number of its own. JSON, and small: what is done leaves nothing behind it. */
export interface Queue<T> {
	/** The number of the first of `items`. */
	first: number;
	/** Null where it is done. */
	items: (T | null)[];
}

export function emptyQueue<T>(): Queue<T> {
	return { first: 0, items: [] };
}

export function itemOf<T>({ first, items }: Queue<T>, number: number): T | null {
	return items[number - first] ?? null;
}

export function removeItem<T>(queue: Queue<T>, number: number): void {
	queue.items[number - queue.first] = null;
	while (queue.items.length > 0 && queue.items[0] === null) {
		queue.items.shift();
		queue.first++;
	}
}
