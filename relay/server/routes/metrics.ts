/** What Prometheus reads. To whoever may not, there is nothing here. */
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import { equal } from '../capability.js';
import type { RelayConfig } from '../config/config.js';
import { isLoopback } from '../config/loopback.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';

export function metricsRoutes({ config, metrics, store }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	app.get(routes.metrics, async (c) => {
		if (!allowed(c.req.raw, c.env.address, config)) throw new RelayError('not_found');
		const free = await store.free().catch(() => null);
		if (free === null) metrics.free.reset();
		else metrics.free.set({ store: 'disk' }, free);
		return c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
	});
	return app;
}

/** Whoever has the token; where there is none, a program on this machine that asks without a proxy. */
function allowed(request: Request, peer: string | undefined, { metricsToken }: RelayConfig): boolean {
	if (metricsToken !== null) {
		const token = /^Bearer (.+)$/i.exec(request.headers.get('Authorization') ?? '')?.[1];
		return token !== undefined && equal(token, metricsToken);
	}
	// The name that it was asked by: a page whose host name was turned to this machine (DNS rebinding) has another one.
	return isLocal(peer) && isLoopback(new URL(request.url)) && !isForwarded(request.headers);
}

function isLocal(peer = ''): boolean {
	return peer === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(peer);
}

function isForwarded(headers: Headers): boolean {
	return [...headers.keys()].some((name) => /^(forwarded$|x-forwarded-|x-real-ip$|via$)/.test(name));
}
