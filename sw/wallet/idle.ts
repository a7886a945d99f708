/** What must not begin, or go on, while a job works with rows of the wallet. */
import { BrokerError } from '../errors.js';
import { keysBelow } from './db.js';

/**
 * Runs `work` while no slice of a job runs in any worker. Never waits, so it may come before every other lock.
 * @throws {BrokerError} `busy`, and what `work` throws
 */
export async function whileNoJobRuns<T>(work: () => Promise<T>): Promise<T> {
	const names = (await keysBelow(['job'])).map(([, id]) => `job ${id}`);
	const next = async (): Promise<T> => {
		const name = names.pop();
		if (name === undefined) return work();
		return navigator.locks.request(name, { ifAvailable: true }, (lock) => {
			if (!lock) throw new BrokerError('busy');
			return next();
		});
	};
	return next();
}
