/** Who watches which session in this process. A store wakes them when it makes, or hears of, a change. */
import type { Watch } from './store.js';

export class Watches {
	readonly #bySession = new Map<string, Set<() => void>>();

	watch(sid: string): Watch {
		let woken = false;
		let resolve: () => void = () => undefined;
		const wake = () => {
			woken = true;
			resolve();
		};
		const watchers = this.#bySession.get(sid) ?? new Set();
		this.#bySession.set(sid, watchers.add(wake));
		return {
			changed: (signal) =>
				new Promise((settle) => {
					resolve = () => {
						signal.removeEventListener('abort', resolve);
						settle();
					};
					if (woken || signal.aborted) return settle();
					signal.addEventListener('abort', resolve);
				}),
			close: () => {
				watchers.delete(wake);
				if (watchers.size === 0 && this.#bySession.get(sid) === watchers) this.#bySession.delete(sid);
			},
		};
	}

	wake(sid: string): void {
		for (const wake of [...(this.#bySession.get(sid) ?? [])]) wake();
	}

	/** After a time in which changes may have gone unheard. */
	wakeAll(): void {
		for (const sid of [...this.#bySession.keys()]) this.wake(sid);
	}
}
