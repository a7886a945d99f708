/** What has arrived so far: where a wallet resumes, and what an agent may fetch. */
import { Hono } from 'hono';
import { type BlobList, routes } from '../../contract.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';

export function blobRoutes({ store }: RouteDeps) {
	const app = new Hono<RelayEnv>();

	app.get(routes.blobs(':sid'), async (c) => {
		const { sid } = c.req.param();
		await authorize(store, c.req.raw, sid, ['owner', 'read']);
		const blobs: BlobList['blobs'] = {};
		for (const { bid, n, bytes } of await store.listParts(sid)) {
			blobs[bid] ??= [];
			blobs[bid].push({ n, bytes });
		}
		return c.json({ blobs } satisfies BlobList);
	});

	return app;
}
