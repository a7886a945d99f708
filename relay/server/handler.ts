/**
 * The relay as a function of `Request`. A socket is an adapter around it (`serve.ts`); the tests do without one.
 */
import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { matchedRoutes } from 'hono/route';
import { waitHeaders } from '../contract.js';
import type { RelayDeps, RelayEnv, RequestInfo, RouteDeps } from './deps.js';
import { codeBehind, describeFailure, problem, RelayError, toRelayError } from './errors.js';
import { apiPolicy, commonHeaders } from './http/headers.js';
import { createMetrics, methodLabel } from './metrics.js';
import { appRoutes } from './routes/app.js';
import { assertionRoutes } from './routes/assertions.js';
import { blobRoutes } from './routes/blobs.js';
import { claimRoutes } from './routes/claim.js';
import { healthRoutes } from './routes/health.js';
import { jwksRoutes } from './routes/jwks.js';
import { liveRoutes } from './routes/live.js';
import { manifestRoutes } from './routes/manifest.js';
import { metricsRoutes } from './routes/metrics.js';
import { partRoutes } from './routes/parts.js';
import { providerRoutes } from './routes/providers.js';
import { sessionRoutes } from './routes/session.js';
import { skillRoutes } from './routes/skill.js';

export type Relay = (request: Request, info?: RequestInfo) => Promise<Response>;

export function createRelay(deps: RelayDeps): Relay {
	const { config, log, metrics = createMetrics() } = deps;
	const routeDeps: RouteDeps = { ...deps, metrics };
	const headers = Object.entries(commonHeaders(config));
	const app = new Hono<RelayEnv>();

	app.use(async (c, next) => {
		const started = performance.now();
		c.set('correlationId', randomUUID());
		// The pattern, never the path: paths hold session ids, and the callback's query an authorization code.
		const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')?.path ?? 'none';
		const labels = { method: methodLabel(c.req.method), route };
		metrics.underWay.inc(labels);
		await next();
		metrics.underWay.dec(labels);
		for (const [name, value] of headers) c.res.headers.set(name, value);
		if (!c.res.headers.has('Content-Security-Policy')) c.res.headers.set('Content-Security-Policy', apiPolicy);
		const ms = Math.round(performance.now() - started);
		metrics.seconds.observe(labels, ms / 1000);
		metrics.requests.inc({ ...labels, status: `${Math.floor(c.res.status / 100)}xx` });
		const fields = {
			method: c.req.method,
			route,
			status: c.res.status,
			ms,
			...declared('declaredIn', c.req.raw.headers),
			...declared('declaredOut', c.res.headers),
			correlationId: c.var.correlationId,
			...c.var.refusal,
		};
		log.info(fields, 'request');
	});

	if (config.baseUrl) {
		// For an app that is served elsewhere under the configured origin; nobody else is let in.
		const exposeHeaders = [...Object.values(waitHeaders), 'Content-Digest', 'Retry-After'];
		const allowHeaders = ['Authorization', 'Content-Type', 'Content-Digest'];
		const allowMethods = ['GET', 'PUT', 'POST', 'DELETE'];
		app.use('/api/*', cors({ origin: config.baseUrl, allowHeaders, allowMethods, exposeHeaders, maxAge: 600 }));
	}
	app.use('/api/*', async (c, next) => {
		await next();
		if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store');
	});

	const groups = [
		sessionRoutes,
		claimRoutes,
		blobRoutes,
		partRoutes,
		manifestRoutes,
		healthRoutes,
		liveRoutes,
		metricsRoutes,
		providerRoutes,
		assertionRoutes,
		jwksRoutes,
		skillRoutes,
	];
	for (const routes of groups) app.route('/', routes(routeDeps));
	app.all('/api/*', () => {
		throw new RelayError('not_found');
	});
	app.route('/', appRoutes(routeDeps));

	const refuse = (thrown: unknown, c: Context<RelayEnv>) => {
		const error = toRelayError(thrown);
		const { correlationId } = c.var;
		metrics.refusals.inc({ code: error.code });
		const systemCode = error.code === 'unavailable' ? codeBehind(error) : undefined;
		c.set('refusal', { code: error.code, ...(systemCode && { systemCode }) });
		// What is unavailable passes, and a crowd of refusals must not fill the log with stacks.
		if (error.code === 'internal') log.error({ correlationId, ...describeFailure(error.cause ?? error) }, 'failed');
		return problem(error, correlationId);
	};
	app.notFound((c) => refuse(new RelayError('not_found'), c));
	app.onError(refuse);

	return async (request, info = {}) => app.fetch(request, info);
}

/** Octets that a `Content-Length` announces; how many came or went, if a connection breaks, nobody has counted by request. */
function declared(name: string, headers: Headers): Record<string, number> {
	const length = headers.get('Content-Length');
	return length === null ? {} : { [name]: Number(length) };
}
