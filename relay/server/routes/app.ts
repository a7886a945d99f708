/** The app itself: static files, the app's own routes, and the callback page. */
import { Hono } from 'hono';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { type AppFiles, readAppFiles } from '../files/app-files.js';
import { notBuilt } from '../files/assets.js';
import { pagePolicy, workerPolicy } from '../http/headers.js';

/** Where the app renders a screen. Everything else is unknown, and says so. */
const screens = [
	/^\/$/,
	/^\/connections\/?$/,
	/^\/connections\/[\w-]+\/?$/,
	/^\/collect\/?$/,
	/^\/settings\/?$/,
	/^\/activity\/?$/,
	/^\/connect\/[\w-]+\/?$/,
	/^\/connect\/[\w-]+\/select\/?$/,
];

/** Named by the hash of its content, so it never changes. */
const immutable = 'public, max-age=31536000, immutable';

export function appRoutes({ config }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	const worker = workerPolicy(config);
	let reading: Promise<AppFiles | null> | undefined;

	/** Read once; as long as there is nothing, looked for again with each request. */
	async function appFiles(): Promise<AppFiles | null> {
		reading ??= readAppFiles(config.appDir);
		const files = await reading;
		if (!files) reading = undefined;
		return files;
	}

	const page = { 'Cache-Control': 'no-cache', 'Content-Security-Policy': pagePolicy };

	// With a worker in control this request never leaves the browser; without one, a static page waits for it. The query
	// holds an authorization code: it is neither read nor logged here.
	app.get('/connect/callback', async (c) => {
		const callback = (await appFiles())?.get('/callback.html');
		return callback ? callback.respond(c.req.raw, { ...page, 'Cache-Control': 'no-store' }) : missing(c.req.raw);
	});

	app.get('/*', async (c) => {
		const files = await appFiles();
		const index = files?.get('/index.html');
		if (!files || !index) return missing(c.req.raw);
		const { path } = c.req;
		const file = files.get(path);
		if (file && path === '/sw.js') {
			return file.respond(c.req.raw, { 'Cache-Control': 'no-cache', 'Content-Security-Policy': worker });
		}
		if (file && path.startsWith('/assets/')) {
			return file.respond(c.req.raw, { 'Cache-Control': immutable, 'Content-Security-Policy': pagePolicy });
		}
		if (file) return file.respond(c.req.raw, page);
		if (screens.some((screen) => screen.test(path))) return index.respond(c.req.raw, page);
		if (forPerson(c.req.raw) && !path.startsWith('/assets/')) return index.respond(c.req.raw, page, 404);
		throw new RelayError('not_found');
	});

	return app;
}

/** A browser goes there, rather than that a page or a program fetches it. */
const forPerson = (request: Request) => request.headers.get('Accept')?.includes('text/html') ?? false;

function missing(request: Request): Response {
	if (forPerson(request)) return notBuilt();
	throw new RelayError('unavailable');
}
