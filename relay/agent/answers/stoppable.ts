/** A library that stops being read when somebody no longer waits for the answer. */
import { AgentError } from '../errors.js';
import type { Library } from '../library/library.js';

/** The same library; its readings throw `interrupted` once `signal` has aborted. */
export function stoppable(library: Library, signal: AbortSignal | undefined): Library {
	if (!signal) return library;
	const check = () => {
		if (signal.aborted) throw new AgentError('interrupted');
	};
	return {
		dir: library.dir,
		index: library.index,
		async *items(types, folder) {
			check();
			for await (const item of library.items(types, folder)) {
				check();
				yield item;
			}
		},
		item(ref) {
			check();
			return library.item(ref);
		},
		document(source, file) {
			check();
			return library.document(source, file);
		},
	};
}

/** What `work` gives, or `interrupted` as soon as `signal` aborts; the work itself may be another's too, and goes on. */
export async function unless<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
	if (!signal) return work;
	let stop: () => void = () => undefined;
	const stopped = new Promise<never>((_, fail) => {
		stop = () => fail(new AgentError('interrupted'));
		if (signal.aborted) stop();
		else signal.addEventListener('abort', stop, { once: true });
	});
	try {
		return await Promise.race([work, stopped]);
	} finally {
		signal.removeEventListener('abort', stop);
		work.catch(() => undefined);
	}
}
