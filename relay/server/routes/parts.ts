/** Sealed parts: streamed in, checked on the way, and streamed out. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { Id, PartNumber, routes } from '../../contract.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { codeBehind, RelayError, toRelayError } from '../errors.js';
import { checked, chunks, contentDigest, contentLength, digestHeader } from '../http/body.js';
import { told } from '../http/told.js';
import { addressOf } from '../limits.js';
import { Admission } from '../store/admission.js';
import type { PartPosition } from '../store/store.js';

const path = routes.part(':sid', ':bid', ':n');

/** Null unless both are spelled as the protocol spells them: one part has one URL. */
function position({ bid, n }: { bid: string; n: string }): PartPosition | null {
	const number = /^(0|[1-9]\d*)$/.test(n) ? Number(n) : -1;
	return v.is(Id, bid) && v.is(PartNumber, number) ? { bid, n: number } : null;
}

export function partRoutes(deps: RouteDeps) {
	const { store, log, config } = deps;
	// One address never has them all.
	const perAddress = new Admission({ mostOfOne: Math.max(1, Math.ceil(config.uploads / 2)) });
	const app = new Hono<RelayEnv>();

	app.put(path, async (c) => {
		const { sid, ...where } = c.req.param();
		const session = await authorize(store, c.req.raw, sid, ['owner']);
		const at = position(where);
		if (!at) throw new RelayError('bad_request');
		const bytes = contentLength(c.req.raw, Math.min(session.partBytes, session.maxBytes));
		const digest = contentDigest(c.req.raw);
		const leave = perAddress.enter(addressOf(c.req.raw, c.env.address, config.trustProxy));
		try {
			const body = checked(chunks(c.req.raw, c.env, deps), digest);
			const stored = await store.putPart(sid, { ...at, bytes, digest }, body);
			return c.body(null, stored === 'created' ? 201 : 200);
		} finally {
			leave();
		}
	});

	app.get(path, async (c) => {
		const { sid, ...where } = c.req.param();
		await authorize(store, c.req.raw, sid, ['read']);
		const at = position(where);
		if (!at) throw new RelayError('part_not_found');
		const part = await store.readPart(sid, at);
		const body = told(part.body, (thrown) => {
			// A session may end while it is read: that is no failure. The request's own line was written when the answer began.
			const { code, cause } = toRelayError(thrown);
			const systemCode = codeBehind(cause);
			const fields = { correlationId: c.var.correlationId, code, ...(systemCode && { systemCode }) };
			log.warn(fields, 'download broke off');
			if (!c.env.cut) throw thrown;
			c.env.cut();
		});
		const headers = {
			'Content-Type': 'application/octet-stream',
			'Content-Length': String(part.bytes),
			'Content-Digest': digestHeader(part.digest),
		};
		if (c.req.method !== 'HEAD') return c.body(body, 200, headers);
		// Nobody reads the body of such an answer.
		await body.cancel();
		return c.body(null, 200, headers);
	});

	return app;
}
