/** The first wallet that holds the link becomes the session's owner. */
import { Hono } from 'hono';
import { Claim, routes } from '../../contract.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { readJson } from '../http/body.js';

export function claimRoutes(deps: RouteDeps) {
	const { store } = deps;
	const app = new Hono<RelayEnv>();

	app.post(routes.claim(':sid'), async (c) => {
		const { sid } = c.req.param();
		const { readHash, writeHash } = await authorize(store, c.req.raw, sid, ['write']);
		const { ownerHash } = await readJson(c.req.raw, Claim, c.env, deps);
		// One token, one role: a reader who is also the owner could send to itself.
		if (ownerHash === readHash || ownerHash === writeHash) throw new RelayError('bad_request');
		await store.claim(sid, ownerHash);
		return c.json({});
	});

	return app;
}
