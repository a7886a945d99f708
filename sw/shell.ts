/**
 * What the worker answers instead of the network: the app itself (precached), the provider's answer after a sign-in, and
 * downloads. Everything else goes to the host as if there were no worker.
 */
import { cleanupOutdatedCaches, PrecacheController } from 'workbox-precaching';
import { arrive } from './callback.js';
import { backupPath, downloadPath } from './contract.js';
import { toWire } from './errors.js';
import { zipResponse } from './jobs/zip.js';
import { announce } from './overview.js';
import { backupResponse } from './wallet/backup.js';
import { CALLBACK_PATH } from './wallet/connect.js';
import { notify } from './wallet/notices.js';

declare const self: ServiceWorkerGlobalScope;

/** A navigation to these is not one to a screen: the host's interface, and files. Held against path and query. */
const NOT_A_SCREEN = [/^\/api\//, /^\/\.well-known\//, /\.\w+$/];

/** Says nothing about what is shown; links from elsewhere carry them. */
const CAMPAIGN = /^(utm_|fbclid$)/;

/**
 * Keeps the app in the cache and answers requests: one listener instead of a router, which costs more than all of this.
 * @param precached the build's list of files
 */
export function routeRequests(precached: Parameters<PrecacheController['precache']>[0]): void {
	const shell = new PrecacheController();
	shell.precache(precached);
	cleanupOutdatedCaches();
	const screen = shell.createHandlerBoundToURL('/index.html');
	self.addEventListener('fetch', (event) => {
		const { request } = event;
		const url = new URL(request.url);
		if (request.method !== 'GET' || url.origin !== self.location.origin) return;
		const navigates = request.mode === 'navigate';
		const made = navigates && make(url, event);
		if (made) return event.respondWith(made);
		const cacheKey = variations(url)
			.map((href) => shell.getCacheKeyForURL(href))
			.find(Boolean);
		if (cacheKey) return event.respondWith(shell.strategy.handle({ request, event, params: { cacheKey } }));
		const shown = navigates && !NOT_A_SCREEN.some((other) => other.test(url.pathname + url.search));
		if (shown) event.respondWith(screen({ request, event, url }));
	});
}

/** The addresses under which a file may be listed: without what a link added, a folder as its page, a page without its ending. */
function variations(asked: URL): string[] {
	const url = new URL(asked);
	url.hash = '';
	for (const name of [...url.searchParams.keys()]) if (CAMPAIGN.test(name)) url.searchParams.delete(name);
	const { origin, pathname, search } = url;
	return ['', pathname.endsWith('/') ? 'index.html' : '.html'].map((end) => origin + pathname + end + search);
}

/**
 * What answers a navigation and nothing else: page script must not be able to fetch records, or the file that holds the
 * tokens, sealed as it is. Comes before everything else, so that an authorization code never meets a page or the host.
 */
function make(url: URL, event: FetchEvent): Promise<Response> | undefined {
	const { pathname } = url;
	const below = (path: string) => (pathname.startsWith(path) ? pathname.slice(path.length) : undefined);
	if (pathname === CALLBACK_PATH) return callback(url, event);
	const jobId = below(downloadPath(''));
	if (jobId !== undefined) return download(jobId, event);
	const fileId = below(backupPath(''));
	if (fileId !== undefined) return backupResponse(fileId).catch(() => Response.redirect('/settings', 303));
	return undefined;
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
	} catch (error) {
		// Where storage failed there is nowhere to write a notice either, and the app says so itself once it asks for the
		// overview. Whatever it was, the address with the code must not stay.
		await notify({ kind: 'error', error: toWire(error), providerName: null }).catch(() => {});
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
