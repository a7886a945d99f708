/** One exchange with the relay, and when to try it again. */
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError, isTransient } from './errors.js';

/** The world outside; tests bring their own. */
export interface World {
	fetch: (request: Request) => Promise<Response>;
	/** Milliseconds since 1970. */
	now: () => number;
	/** Rejects when `signal` aborts. */
	sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
	/** Aborted by SIGINT and SIGTERM: everything stops with `interrupted`. */
	signal?: AbortSignal | undefined;
}

export const realWorld: World = {
	fetch: (request) => fetch(request),
	now: () => Date.now(),
	sleep: (milliseconds, signal) => delay(milliseconds, undefined, { ...(signal && { signal }) }),
};

/** @throws {AgentError} `interrupted` */
export function checkInterrupted({ signal }: World): void {
	if (signal?.aborted) throw new AgentError('interrupted');
}

/**
 * Sends `request` and reads the answer with `process`, within `timeout` milliseconds.
 * @throws {AgentError} `relay_unreachable`, `interrupted`, or what `process` throws
 */
export async function exchange<T>(
	world: World,
	request: Request,
	process: (response: Response) => Promise<T>,
	timeout = 30_000,
): Promise<T> {
	checkInterrupted(world);
	const signals = [AbortSignal.timeout(timeout), ...(world.signal ? [world.signal] : [])];
	try {
		return await process(await world.fetch(new Request(request, { signal: AbortSignal.any(signals) })));
	} catch (cause) {
		checkInterrupted(world);
		throw cause instanceof AgentError ? cause : new AgentError('relay_unreachable', { cause });
	}
}

/** Doubles from half a second to half a minute, with jitter, and honours `Retry-After` up to five minutes. */
export async function backOff(world: World, attempt: number, error: AgentError): Promise<void> {
	const growing = Math.min(30_000, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
	const asked = Math.min(300, error.retryAfter ?? 0) * 1000;
	try {
		await world.sleep(Math.max(growing, asked), world.signal);
	} catch (cause) {
		throw new AgentError('interrupted', { cause });
	}
}

/** Runs `step` up to `attempts` times, while what it throws is `worth` another try. */
export async function retry<T>(
	world: World,
	attempts: number,
	step: () => Promise<T>,
	worth: (error: unknown, attempt: number) => error is AgentError = isTransient,
): Promise<T> {
	for (let attempt = 0; ; attempt++) {
		try {
			return await step();
		} catch (error) {
			if (attempt + 1 >= attempts || !worth(error, attempt)) throw error;
			await backOff(world, attempt, error);
		}
	}
}
