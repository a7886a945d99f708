/** Ready means: the store can be written. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';

export function healthRoutes({ store }: RouteDeps) {
	const app = new Hono<RelayEnv>();

	app.get(routes.health, async (c) => {
		try {
			await store.ready();
		} catch (cause) {
			throw new RelayError('unavailable', { cause });
		}
		return c.json({ status: 'ok' });
	});

	return app;
}
