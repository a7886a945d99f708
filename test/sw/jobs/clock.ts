/** A clock that runs faster for everything in this process, so that what waits need not be waited for. */
import { onTestFinished } from 'vitest';

const { setTimeout: realTimeout, Date: RealDate } = globalThis;
const realNow = RealDate.now;
const realLimit = AbortSignal.timeout;

/**
 * Until the test is over, a second lasts `1 / factor` of one: for the worker, the relay, the agent and the sandbox alike.
 * Sockets and disks are as slow as ever, so that what takes 10 ms takes `factor` times that.
 */
export function hurry(factor: number): void {
	const start = realNow();
	const now = () => Math.floor(start + (realNow() - start) * factor);
	globalThis.Date = class extends RealDate {
		constructor(...given: []) {
			if (given.length === 0) super(now());
			else super(...given);
		}
		static override now = now;
	} as DateConstructor;
	globalThis.setTimeout = ((run: () => void, ms = 0, ...rest: []) =>
		realTimeout(run, ms / factor, ...rest)) as typeof setTimeout;
	AbortSignal.timeout = (ms) => realLimit.call(AbortSignal, Math.ceil(ms / factor));
	onTestFinished(() => {
		globalThis.Date = RealDate;
		globalThis.setTimeout = realTimeout;
		AbortSignal.timeout = realLimit;
	});
}
