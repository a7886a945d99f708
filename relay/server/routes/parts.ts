/** Sealed parts: streamed in, checked on the way, and streamed out. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { Id, PartNumber } from '../../contract.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { checked, chunks, contentDigest, contentLength, digestHeader } from '../http/body.js';
import type { PartPosition } from '../store/store.js';

const path = '/api/sessions/:sid/blobs/:bid/:n';

/** Null unless both are spelled as the protocol spells them: one part has one URL. */
function position({ bid, n }: { bid: string; n: string }): PartPosition | null {
	const number = /^(0|[1-9]\d*)$/.test(n) ? Number(n) : -1;
	return v.is(Id, bid) && v.is(PartNumber, number) ? { bid, n: number } : null;
}

export function partRoutes(deps: RouteDeps) {
	const { store } = deps;
	const app = new Hono<RelayEnv>();

	app.put(path, async (c) => {
		const { sid, ...where } = c.req.param();
		const session = await authorize(store, c.req.raw, sid, ['owner']);
		const at = position(where);
		if (!at) throw new RelayError('bad_request');
		const bytes = contentLength(c.req.raw, Math.min(session.partBytes, session.maxBytes));
		const digest = contentDigest(c.req.raw);
		const stored = await store.putPart(sid, { ...at, bytes, digest }, checked(chunks(c.req.raw, c.env, deps), digest));
		return c.body(null, stored === 'created' ? 201 : 200);
	});

	app.get(path, async (c) => {
		const { sid, ...where } = c.req.param();
		await authorize(store, c.req.raw, sid, ['read']);
		const at = position(where);
		if (!at) throw new RelayError('part_not_found');
		const part = await store.readPart(sid, at);
		return c.body(part.body, 200, {
			'Content-Type': 'application/octet-stream',
			'Content-Length': String(part.bytes),
			'Content-Digest': digestHeader(part.digest),
		});
	});

	return app;
}
