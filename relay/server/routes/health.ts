/** Ready means: the store can be written, and the process is not about to stop. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';

export function healthRoutes({ store, stopping }: RouteDeps) {
	const app = new Hono<RelayEnv>();

	app.get(routes.health, async (c) => {
		if (stopping?.aborted) throw new RelayError('unavailable');
		try {
			await store.ready();
		} catch (cause) {
			throw new RelayError('unavailable', { cause });
		}
		return c.json({ status: 'ok' });
	});

	return app;
}
