/** Making, looking at and ending a session. */
import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import * as v from 'valibot';
import { CreateSession, Id, routes, type SessionCreated, type SessionInfo } from '../../contract.js';
import { authorize } from '../capability.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { readJson } from '../http/body.js';
import { addressOf, DAY, Limit, MINUTE } from '../limits.js';

export function sessionRoutes(deps: RouteDeps) {
	const { store, config, clock, counters, metrics } = deps;
	const app = new Hono<RelayEnv>();
	const path = routes.session(':sid');
	const creations = new Limit(counters, clock, 'sessions', [
		{ seconds: MINUTE, most: config.sessionsPerMinute },
		{ seconds: DAY, most: config.sessionsPerDay },
	]);

	app.put(path, async (c) => {
		await creations.take(addressOf(c.req.raw, c.env.address, config.trustProxy));
		const { sid } = c.req.param();
		if (!v.is(Id, sid)) throw new RelayError('bad_request');
		const { readHash, writeHash, expiresIn, maxBytes, request } = await readJson(c.req.raw, CreateSession, c.env, deps);
		if (readHash === writeHash) throw new RelayError('bad_request');
		const asked = [readHash, writeHash, expiresIn, maxBytes ?? null, request ?? null];
		const { stored, session } = await store.create(sid, {
			readHash,
			writeHash,
			expiresAt: clock.now() + expiresIn * 1000,
			maxBytes: Math.min(maxBytes ?? config.maxBytes, config.maxBytes),
			partBytes: config.partBytes,
			request: request ?? null,
			fingerprint: createHash('sha256').update(JSON.stringify(asked)).digest('base64url'),
		});
		if (stored === 'created') metrics.sessions.inc({ event: 'created' });
		const answer: SessionCreated = {
			expiresAt: new Date(session.expiresAt).toISOString(),
			maxBytes: session.maxBytes,
			partBytes: session.partBytes,
		};
		return c.json(answer, stored === 'created' ? 201 : 200);
	});

	app.get(path, async (c) => {
		const session = await authorize(store, c.req.raw, c.req.param().sid, ['write', 'owner', 'read']);
		const answer: SessionInfo = {
			state: session.state,
			expiresAt: new Date(session.expiresAt).toISOString(),
			maxBytes: session.maxBytes,
			partBytes: session.partBytes,
			...(session.request !== null && { request: session.request }),
		};
		return c.json(answer);
	});

	app.delete(path, async (c) => {
		const { sid } = c.req.param();
		await authorize(store, c.req.raw, sid, ['read', 'owner']);
		await store.remove(sid);
		metrics.sessions.inc({ event: 'removed' });
		return c.body(null, 204);
	});

	return app;
}
