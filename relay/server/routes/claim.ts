/** The first wallet that holds the link becomes the session's owner. */
import { Hono } from 'hono';
import { Claim } from '../../contract.js';
import { readJson } from '../body.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';

export function claimRoutes({ store }: RouteDeps) {
	const app = new Hono<RelayEnv>();

	app.post('/api/sessions/:sid/claim', async (c) => {
		const { sid } = c.req.param();
		await authorize(store, c.req.raw, sid, ['write']);
		const { ownerHash } = await readJson(c.req.raw, Claim);
		await store.claim(sid, ownerHash);
		return c.json({});
	});

	return app;
}
