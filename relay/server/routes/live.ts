/** Alive means: the process answers. Whether it can serve is `health.ts`. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { RelayEnv } from '../deps.js';

export function liveRoutes() {
	const app = new Hono<RelayEnv>();
	app.get(routes.live, (c) => c.json({ status: 'ok' }));
	return app;
}
