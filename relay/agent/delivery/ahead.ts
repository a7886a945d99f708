/** Work that runs ahead of the one who asks for it, bounded and in order. */

/**
 * Runs `task` on up to `most` items at a time and gives the results in the order of `items`; a failure comes in its
 * turn. Whoever stops earlier must make what is under way end by itself: it is waited for.
 */
export async function* ahead<T, R>(
	items: Iterable<T>,
	most: number,
	task: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
	const underWay: Promise<R>[] = [];
	const rest = items[Symbol.iterator]();
	const fill = () => {
		while (underWay.length < most) {
			const { done, value } = rest.next();
			if (done) return;
			underWay.push(handled(task(value)));
		}
	};
	try {
		for (fill(); underWay.length > 0; fill()) {
			const result = await (underWay[0] as Promise<R>);
			underWay.shift();
			yield result;
		}
	} finally {
		await Promise.allSettled(underWay);
	}
}

/** Works on the next value of `source` while the last one is used. `stop` makes what is under way end. */
export async function* oneAhead<T>(
	source: AsyncGenerator<T, void, void>,
	stop: () => void,
): AsyncGenerator<T, void, void> {
	let next = handled(source.next());
	try {
		for (;;) {
			const { done, value } = await next;
			if (done) return;
			next = handled(source.next());
			yield value;
		}
	} finally {
		stop();
		await next.catch(() => undefined);
		await source.return();
	}
}

/** A failure is seen by whoever waits for the promise; until then it is not an unhandled one. */
function handled<T>(promise: Promise<T>): Promise<T> {
	promise.catch(() => undefined);
	return promise;
}
