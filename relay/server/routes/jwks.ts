/** The public keys by which EHRs check client assertions (RFC 7517). They fetch them from their servers: no CORS. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { publishedKeys } from '../keys/assertion-keys.js';

export function jwksRoutes({ config }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	const keys = publishedKeys(config.assertionKeys, config.jwks.keys);
	app.get(routes.jwks, (c) => c.json({ keys }, 200, { 'Cache-Control': 'public, max-age=300' }));
	return app;
}
