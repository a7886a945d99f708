/**
 * Ready means: what is kept can be fetched and deleted, and the process is not about to stop. That there is no room for more is told to
 * those who bring more (503), and in the metrics: a proxy that sends nobody here then would keep the room from being freed.
 */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { Clock } from '../clock.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';

/** The store is asked once in that time, however many ask the relay. */
const FRESH_MS = 1000;

export function healthRoutes({ store, clock, stopping }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	const ready = shared(clock, () => store.ready());

	app.get(routes.health, async (c) => {
		if (stopping?.aborted) throw new RelayError('unavailable');
		try {
			await ready();
		} catch (cause) {
			throw new RelayError('unavailable', { cause });
		}
		return c.json({ status: 'ok' });
	});

	return app;
}

/** One call for all who ask within a second, whatever came of it. */
function shared(clock: Clock, call: () => Promise<void>): () => Promise<void> {
	let last: { at: number; result: Promise<void> } | undefined;
	return () => {
		const at = clock.now();
		if (!last || at - last.at >= FRESH_MS) last = { at, result: call() };
		return last.result;
	};
}
