/**
 * What the worker answers instead of the network: the app itself (precached), the provider's answer after a sign-in, and
 * downloads. Everything else goes to the host as if there were no worker.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { downloadPath } from './contract.js';
import { zipResponse } from './jobs/zip.js';
import { announce } from './overview.js';
import { includeInSession } from './session/session.js';
import { CALLBACK_PATH, finishConnect } from './wallet/connect.js';

/**
 * Routes in order: the callback comes before navigation, so that an authorization code never meets a page.
 * @param precached the build's list of files
 */
export function routeRequests(precached: Parameters<typeof precacheAndRoute>[0]): void {
	registerRoute(
		({ url, request }) => request.mode === 'navigate' && url.pathname === CALLBACK_PATH,
		({ url }) => callback(url),
	);
	registerRoute(
		({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith(downloadPath('')),
		({ url, event }) => download(url.pathname.slice(downloadPath('').length), event as FetchEvent),
	);
	precacheAndRoute(precached);
	cleanupOutdatedCaches();
	registerRoute(
		new NavigationRoute(createHandlerBoundToURL('/index.html'), {
			denylist: [/^\/api\//, /^\/\.well-known\//, /\.\w+$/],
		}),
	);
}

/**
 * A 303 leaves no code in location, history, referrer or timing entries; a page served here would. Reload and back land on
 * the same redirect, and find that the state is used.
 */
async function callback(url: URL): Promise<Response> {
	const { returnTo, include } = await finishConnect(url.searchParams);
	if (include) await includeInSession(include.sid, include.connectionId);
	await announce();
	return Response.redirect(new URL(returnTo, url.origin).href, 303);
}

async function download(jobId: string, event: FetchEvent): Promise<Response> {
	try {
		const { response, done } = await zipResponse(jobId);
		event.waitUntil(done);
		return response;
	} catch {
		return Response.redirect('/collect', 303);
	}
}
