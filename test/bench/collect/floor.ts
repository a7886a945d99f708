/**
 * The floor: what a send fetched from the EHR, fetched again by a plain script and thrown away. In the same order and with as
 * many requests at a time; a page is asked for when the page before it is there, as only that one knows its address.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from '../../sandbox/client.js';
import { Browser } from './browser.js';
import type { Logged, Stack } from './processes.js';
import { SYSTEM, USERNAME } from './send.js';

/** Requests at a time: the most that the worker has in flight. A browser has six connections to a host; the others wait in it. */
const CONCURRENCY = 10;

export interface Fetch {
	url: string;
	accept: string;
	/** Index of the page that links to it; -1 where nothing has to come before. */
	after: number;
}

export interface Floor {
	fetches: Fetch[];
	/** Requests at a time. */
	concurrency: number;
	token: string;
}

/** @param log of the EHR during a send */
export async function floorOf(stack: Stack, log: Logged[]): Promise<Floor> {
	const { access_token: token } = await connect(stack.sandbox, SYSTEM, { username: USERNAME });
	const base = new RegExp(`^/${SYSTEM}/fhir/(?!metadata$|\\.well-known/)`, 'i');
	const asked = log.filter(({ method, url }) => method === 'GET' && base.test(url));
	const fetches: Fetch[] = asked.map(({ url, accept }) => ({
		url: new URL(url, stack.sandbox.origin).href,
		accept: accept ?? '*/*',
		after: -1,
	}));
	const byUrl = new Map(fetches.map((fetch, index) => [fetch.url, index]));
	await Promise.all(
		asked.map(async ({ url, accept }, index) => {
			// Past the slow network: this is not measured.
			const headers = { Authorization: `Bearer ${token}`, Accept: accept ?? '*/*' };
			const text = await (await fetch(new URL(url, stack.ehr.origin), { headers })).text();
			// Links come before entries.
			const next = /"relation":"next","url":("(?:[^"\\]|\\.)*")/.exec(text.slice(0, 4096))?.[1];
			const follower = next === undefined ? undefined : byUrl.get(JSON.parse(next));
			if (follower !== undefined) fetches[follower]!.after = index;
		}),
	);
	return { fetches, concurrency: CONCURRENCY, token };
}

/**
 * In a page of another origin, in a browser with a fresh profile: it pays a CORS preflight for each address, as the wallet does.
 * @param watch called just before and just after
 */
export async function floorInBrowser(
	floor: Floor,
	watch?: (browser: Browser, over: boolean) => Promise<void>,
): Promise<FloorResult> {
	const host = createServer((_, res) => {
		res.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Floor</title>');
	});
	await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve));
	const browser = await Browser.launch();
	try {
		const page = await browser.page();
		await page.goto(`http://localhost:${(host.address() as AddressInfo).port}/`);
		// The wallet's estimate has opened connections before the press: so has the floor.
		await page.evaluate(warmUp, {
			url: new URL(`/${SYSTEM}/fhir/metadata`, floor.fetches[0]?.url).href,
			most: floor.concurrency,
		});
		await watch?.(browser, false);
		const result = await page.evaluate(fetchAll, floor);
		await watch?.(browser, true);
		return result;
	} finally {
		await browser.close();
		host.closeAllConnections();
		host.close();
	}
}

/** Runs in a page. */
async function warmUp({ url, most }: { url: string; most: number }): Promise<void> {
	const ask = async () => void (await (await fetch(url, { cache: 'no-store', credentials: 'omit' })).text());
	await Promise.all(Array.from({ length: most }, ask));
}

export function floorInNode(floor: Floor): Promise<FloorResult> {
	return fetchAll(floor);
}

export interface FloorResult {
	ms: number;
	octets: number;
}

/** Runs in a page or in Node. */
async function fetchAll({ fetches, concurrency, token }: Floor): Promise<FloorResult> {
	const from = performance.now();
	const started = fetches.map(() => false);
	const done = fetches.map(() => false);
	const waiting: (() => void)[] = [];
	let first = 0;
	let octets = 0;
	const next = () => {
		while (started[first]) first++;
		for (let index = first; index < fetches.length; index++) {
			const { after } = fetches[index]!;
			if (!started[index] && (after < 0 || done[after])) return index;
		}
		return -1;
	};
	const work = async () => {
		for (;;) {
			const index = next();
			if (index < 0) {
				if (first >= fetches.length) return;
				await new Promise<void>((resolve) => waiting.push(resolve));
				continue;
			}
			started[index] = true;
			const { url, accept } = fetches[index]!;
			const response = await fetch(url, {
				headers: { Authorization: `Bearer ${token}`, Accept: accept },
				cache: 'no-store',
				credentials: 'omit',
				referrerPolicy: 'no-referrer',
			});
			const reader = response.body?.getReader();
			for (;;) {
				const { done: over, value } = (await reader?.read()) ?? { done: true };
				if (over) break;
				octets += value?.length ?? 0;
			}
			done[index] = true;
			for (const wake of waiting.splice(0)) wake();
		}
	};
	await Promise.all(Array.from({ length: concurrency }, work));
	return { ms: performance.now() - from, octets };
}
