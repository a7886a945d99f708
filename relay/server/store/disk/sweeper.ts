/** Deletes what is over once a minute, and what processes that died have left behind. */
import type { Clock } from '../../clock.js';
import { namesIn } from './files.js';
import type { Layout } from './layout.js';
import { CLOCK } from './layout.js';
import type { Sessions } from './sessions.js';
import type { Staging } from './staging.js';

const SWEEP_MS = 60_000;

interface Swept {
	layout: Layout;
	staging: Staging;
	sessions: Sessions;
	clock: Clock;
	/** Rejects when the directory is no longer this process's own. */
	held: () => Promise<void>;
	/** Told when a sweep failed; the next one tries again. */
	onError: (thrown: unknown) => void;
}

export class Sweeper {
	#cancel: () => void = () => undefined;
	#running: Promise<void> = Promise.resolve();
	#stopped = false;

	constructor(private readonly swept: Swept) {}

	/** Sweeps now and once a minute until it is stopped; never rejects. */
	start(): Promise<void> {
		const { clock, onError } = this.swept;
		this.#running = this.sweep()
			.catch(onError)
			.finally(() => {
				if (!this.#stopped) this.#cancel = clock.after(SWEEP_MS, () => void this.start());
			});
		return this.#running;
	}

	/** What cannot be deleted does not keep the rest from being. @throws the first failure, when all is tried */
	async sweep(): Promise<void> {
		const { layout, staging, sessions, held } = this.swept;
		const failures: unknown[] = [];
		const attempt = (task: () => Promise<unknown>) => task().catch((cause: unknown) => failures.push(cause));
		await attempt(held);
		await attempt(() => this.#mark());
		for (const task of sessions.overdue()) await attempt(task);
		// Leftovers: a deletion that failed half-way or was cut short, a creation that never got its record, uploads of a dead process.
		await attempt(async () => {
			for (const sid of await namesIn(layout.sessions)) await attempt(() => sessions.removeUnlessThere(sid));
		});
		await attempt(() => staging.clear());
		if (failures.length > 0) throw failures[0];
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		this.#cancel();
		await this.#running;
		await this.#mark().catch(this.swept.onError);
	}

	/** So that a clock that was set back does not make sessions live longer across a restart. */
	#mark(): Promise<void> {
		const { layout, staging, clock } = this.swept;
		return staging.replace(layout.directory, CLOCK, JSON.stringify({ v: 1, time: clock.now() }));
	}
}
