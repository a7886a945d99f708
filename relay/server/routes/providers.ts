/** The provider directory, as configured. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import { Asset } from '../assets.js';
import type { RelayEnv, RouteDeps } from '../deps.js';

export function providerRoutes({ config }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	// It may name every hospital of a country: written and compressed once.
	const directory = new Asset('application/json', Buffer.from(JSON.stringify({ providers: config.providers })));
	app.get(routes.providers, (c) => directory.respond(c.req.raw, { 'Cache-Control': 'no-cache' }));
	return app;
}
