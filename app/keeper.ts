import type { JobView, Reply } from '../sw/contract.js';
import { BrokerError } from './rpc.js';

/** Pause before asking again when a slice could not be run, in milliseconds; doubles up to `MAX_PAUSE`. */
const PAUSE = 2_000;
const MAX_PAUSE = 60_000;

export interface Keeper {
	/** Starts a loop for each of these jobs that needs one. One loop a job, however often it is called. */
	keep(jobs: JobView[]): void;
	/** Ends every pause now: the network is back, or the page is looked at again. */
	wake(): void;
}

/**
 * Keeps the worker at its jobs: the browser ends a worker that no event reaches, so each job runs in slices and the page
 * asks for the next as soon as one is answered. Driven by replies, because timers of a hidden tab are throttled.
 */
export function createKeeper(
	run: (id: string) => Promise<Reply<'job.run'>>,
	publish: (job: JobView) => void,
	clock: () => number = Date.now,
): Keeper {
	const driven = new Set<string>();
	const sleepers = new Set<() => void>();

	const pause = (milliseconds: number) =>
		new Promise<void>((resolve) => {
			const done = () => {
				clearTimeout(timer);
				sleepers.delete(done);
				resolve();
			};
			const timer = setTimeout(done, Math.min(Math.max(milliseconds, 0), MAX_PAUSE));
			sleepers.add(done);
		});

	async function drive(id: string) {
		let failures = 0;
		for (;;) {
			try {
				const { job, more } = await run(id);
				failures = 0;
				publish(job);
				if (job.status === 'waiting') await pause((job.error?.retryAt ?? clock() + PAUSE * 5) - clock());
				else if (!more) return;
			} catch (error) {
				if (!(error instanceof BrokerError) || HOPELESS.has(error.code)) return;
				await pause(Math.min(PAUSE * 2 ** failures++, MAX_PAUSE));
			}
		}
	}

	return {
		keep(jobs) {
			for (const { id, status } of jobs) {
				if (driven.has(id) || (status !== 'running' && status !== 'waiting')) continue;
				driven.add(id);
				void drive(id).finally(() => driven.delete(id));
			}
		},
		wake() {
			for (const wake of [...sleepers]) wake();
		},
	};
}

/** Errors after which asking for the same job again cannot help. */
const HOPELESS = new Set(['job_unknown', 'unknown_command', 'version_mismatch', 'worker_missing', 'vault_lost']);
