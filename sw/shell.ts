/**
 * What the worker answers instead of the network: the app itself (precached), the provider's answer after a sign-in, and
 * downloads. Everything else goes to the host as if there were no worker.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { arrive } from './callback.js';
import { backupPath, downloadPath } from './contract.js';
import { zipResponse } from './jobs/zip.js';
import { announce } from './overview.js';
import { backupResponse } from './wallet/backup.js';
import { CALLBACK_PATH } from './wallet/connect.js';

/**
 * Routes in order: the callback comes before navigation, so that an authorization code never meets a page.
 * @param precached the build's list of files
 */
export function routeRequests(precached: Parameters<typeof precacheAndRoute>[0]): void {
	registerRoute(
		({ url, request }) => request.mode === 'navigate' && url.pathname === CALLBACK_PATH,
		({ url, event }) => callback(url, event as FetchEvent),
	);
	registerRoute(
		// By navigation alone: page script must not be able to fetch records.
		({ url, sameOrigin, request }) =>
			sameOrigin && request.mode === 'navigate' && url.pathname.startsWith(downloadPath('')),
		({ url, event }) => download(url.pathname.slice(downloadPath('').length), event as FetchEvent),
	);
	registerRoute(
		// The same for the file that holds the tokens, sealed as it is.
		({ url, sameOrigin, request }) =>
			sameOrigin && request.mode === 'navigate' && url.pathname.startsWith(backupPath('')),
		({ url }) =>
			backupResponse(url.pathname.slice(backupPath('').length)).catch(() => Response.redirect('/settings', 303)),
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
async function callback(url: URL, event: FetchEvent): Promise<Response> {
	let returnTo = '/connections';
	try {
		const arrival = await arrive(url.searchParams);
		returnTo = arrival.returnTo;
		event.waitUntil(arrival.rest.then(announce, announce).catch(() => {}));
	} catch {
		// Storage failed, so there is nowhere to write a notice either. The app says so itself once it asks for the
		// overview; what must not happen is that the address with the code stays.
	}
	await announce().catch(() => {});
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
