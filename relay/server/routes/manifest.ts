/** The manifest: sent once, waited for by a long poll that the store wakes. */
import { Hono } from 'hono';
import { LIMITS, routes, waitHeaders } from '../../contract.js';
import { authorize } from '../capability.js';
import type { Clock } from '../clock.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { readText } from '../http/body.js';
import type { Session } from '../store/store.js';

const path = routes.manifest(':sid');

/** JWE compact (RFC 7516, section 7.1): five parts, the encrypted key empty for direct key agreement. */
const jweCompact = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;

export function manifestRoutes(deps: RouteDeps) {
	const { store, clock, stopping, metrics } = deps;
	const app = new Hono<RelayEnv>();

	app.put(path, async (c) => {
		const { sid } = c.req.param();
		await authorize(store, c.req.raw, sid, ['owner']);
		if (!/^application\/jose(;|$)/i.test(c.req.header('Content-Type') ?? '')) throw new RelayError('bad_request');
		const manifest = await readText(c.req.raw, LIMITS.manifestBytes, c.env, deps);
		if (!jweCompact.test(manifest)) throw new RelayError('bad_request');
		const stored = await store.putManifest(sid, manifest);
		if (stored === 'created') metrics.sessions.inc({ event: 'finalised' });
		return c.body(null, stored === 'created' ? 201 : 200);
	});

	app.get(path, async (c) => {
		const { sid } = c.req.param();
		const request = c.req.raw;
		const watch = store.watch(sid);
		let session: Session;
		try {
			session = await authorize(store, request, sid, ['read']);
			const seconds = waitSeconds(c.req.query('wait'));
			if (session.state !== 'sent' && seconds > 0) {
				const milliseconds = Math.min(seconds * 1000, session.expiresAt - clock.now());
				await until(clock, milliseconds, [request.signal, stopping], (signal) => watch.changed(signal));
				session = await authorize(store, request, sid, ['read']);
			}
		} finally {
			watch.close();
		}
		const manifest = await store.readManifest(sid);
		if (manifest !== null) return c.body(manifest, 200, { 'Content-Type': 'application/jose' });
		return c.body(null, 204, {
			[waitHeaders.state]: session.state,
			[waitHeaders.parts]: String(session.parts),
			[waitHeaders.bytes]: String(session.bytes),
		});
	});

	return app;
}

/** Runs `task` with a signal that aborts after that time, or when the client has gone, or when the relay stops. */
async function until(
	clock: Clock,
	milliseconds: number,
	others: (AbortSignal | undefined)[],
	task: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const end = new AbortController();
	const abort = () => end.abort();
	const cancel = clock.after(milliseconds, abort);
	for (const signal of others) {
		signal?.addEventListener('abort', abort);
		if (signal?.aborted) abort();
	}
	try {
		await task(end.signal);
	} finally {
		cancel();
		for (const signal of others) signal?.removeEventListener('abort', abort);
	}
}

/** Absent means not at all; more than the protocol allows means as long as it allows. */
function waitSeconds(text: string | undefined): number {
	if (text === undefined) return 0;
	if (!/^\d{1,9}$/.test(text)) throw new RelayError('bad_request');
	return Math.min(Number(text), LIMITS.waitSeconds);
}
