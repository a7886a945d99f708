/**
 * Syncs directories (group commit). Whoever asks while a sync of a directory is under way shares the next one with all others who do: that
 * one begins after they asked, so it covers what they did before.
 */
import { open } from 'node:fs/promises';
import type { Semaphore } from '../semaphore.js';

export class SharedSync {
	#running = new Map<string, Promise<void>>();
	#next = new Map<string, Promise<void>>();

	constructor(private readonly syncs: Semaphore) {}

	sync(directory: string): Promise<void> {
		const next = this.#next.get(directory);
		if (next) return next;
		const running = this.#running.get(directory);
		if (!running) return this.#run(directory);
		const after = running.then(
			() => this.#run(directory),
			() => this.#run(directory),
		);
		this.#next.set(directory, after);
		return after;
	}

	#run(directory: string): Promise<void> {
		this.#next.delete(directory);
		const run = this.syncs
			.run(() => syncDirectory(directory))
			.finally(() => {
				if (this.#running.get(directory) === run) this.#running.delete(directory);
			});
		this.#running.set(directory, run);
		return run;
	}
}

async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}
