/** How long screens with much in them take: fifty connections, and a directory of 20,000 providers. */
import { ask } from '../ask.js';
import { median } from '../median.js';
import { Browser, type Page } from './browser.js';
import { type Stack, startStack } from './processes.js';
import { connect, openWallet } from './wallet.js';

const CONNECTIONS = 50;
const PROVIDERS = 20_000;
/** Beginnings, middles, several words, and what is not there; the first one finds most. */
const QUERIES = ['a', 'st', 'clinic', 'mercy hosp', 'north regional center', 'ö', 'zzz'];

/** Milliseconds. */
export interface Lists {
	/** From the navigation's start until the last of the cards is painted; the worker runs. */
	list: number;
	/** From the click on a connection until its screen is painted. */
	open: number;
	/** From the key press until the results are painted, of the slowest query. */
	search: number;
	slowest: string;
	/** The worker's part of that: from the question to its answer. */
	answer: number;
}

export async function measureLists(runs: number): Promise<Lists> {
	const stack = await startStack({ network: 'loopback', bytes: 100_000, staff: 8, providers: directory() });
	const browser = await Browser.launch();
	try {
		const page = await browser.page();
		await openWallet(page, stack);
		await connectMany(page, stack);
		const lists: number[] = [];
		const opens: number[] = [];
		const searches = new Map<string, number[]>(QUERIES.map((query) => [query, []]));
		const answers = new Map<string, number[]>(QUERIES.map((query) => [query, []]));
		for (let run = 0; run < runs; run++) {
			lists.push(await listed(page, stack));
			opens.push(await opened(page));
			await page.goto(`${stack.origin}/connections/select`);
			await page.until(() => document.querySelectorAll('.rows button').length > 0, null);
			for (const query of QUERIES) {
				searches.get(query)?.push(await searched(page, query));
				answers.get(query)?.push(await answered(page, query));
			}
		}
		const middle = [...searches].map(([query, times]) => ({ query, ms: median(times) }));
		const slowest = middle.reduce((a, b) => (b.ms > a.ms ? b : a));
		const answer = Math.max(...[...answers.values()].map(median));
		return { list: median(lists), open: median(opens), search: slowest.ms, slowest: slowest.query, answer };
	} finally {
		await browser.close();
		await stack.close();
	}
}

/** Everybody at every system that takes a public client, until there are enough. */
async function connectMany(page: Page, stack: Stack): Promise<void> {
	const people = ['camila', 'derrick', 'linnea', 'haruto', 'zoe', 'walter', 'matilda'];
	const systems = stack.sandbox.systems.filter(({ id, clientAuth }) => id !== 'walled' && !clientAuth);
	const pairs = systems.flatMap(({ id }) => people.map((username) => ({ id, username }))).slice(0, CONNECTIONS);
	for (const { id, username } of pairs) await connect(page, stack, id, username);
	const { connections } = await ask(page, 'overview', {});
	if (connections.length !== CONNECTIONS) throw new Error(`${connections.length} connections`);
}

async function listed(page: Page, { origin }: Stack): Promise<number> {
	const { identifier } = await page.send('Page.addScriptToEvaluateOnNewDocument', {
		source: `(${watchCards})(${CONNECTIONS})`,
	});
	await page.goto(`${origin}/connections`);
	await page.until(() => 'listedAt' in window, null);
	await page.send('Page.removeScriptToEvaluateOnNewDocument', { identifier });
	return page.evaluate(() => (window as unknown as { listedAt: number }).listedAt, null);
}

/** Runs in a page before it is there. */
function watchCards(count: number): void {
	new MutationObserver((_, observer) => {
		if (document.querySelectorAll('article').length < count) return;
		observer.disconnect();
		// Painted: a frame has begun after it, and its work is over.
		requestAnimationFrame(() =>
			setTimeout(() => {
				Object.assign(window, { listedAt: performance.now() });
			}),
		);
	}).observe(document, { childList: true, subtree: true });
}

/** From the list that is shown. */
function opened(page: Page): Promise<number> {
	return page.evaluate(async () => {
		const link = document.querySelector<HTMLAnchorElement>('article a[href^="/connections/"]');
		if (!link) throw new Error('no connection can be opened');
		const from = performance.now();
		link.click();
		const there = () =>
			location.pathname === new URL(link.href).pathname && !link.isConnected && document.querySelector('main h1');
		while (!there()) {
			if (performance.now() - from > 20_000) throw new Error(`not opened: ${location.pathname}`);
			await new Promise((resolve) => setTimeout(resolve));
		}
		await new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
		return performance.now() - from;
	}, null);
}

/** Types over a query that finds nothing, so that every other one changes what is shown. */
function searched(page: Page, query: string): Promise<number> {
	return page.evaluate(async (query) => {
		const box = document.querySelector<HTMLInputElement>('#search');
		const told = document.querySelector('[role=status].count-line');
		if (!box || !told) throw new Error('no search box');
		/** Types, waits for the answer's line and its frame. */
		const type = async (text: string) => {
			const before = told.textContent;
			const from = performance.now();
			box.value = text;
			box.dispatchEvent(new InputEvent('input', { bubbles: true }));
			while (told.textContent === before) {
				if (performance.now() - from > 20_000) throw new Error(`no answer to ${text}`);
				await new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
			}
			return performance.now() - from;
		};
		await type('qqq');
		await new Promise((resolve) => setTimeout(resolve, 300));
		return type(query);
	}, query);
}

async function answered(page: Page, query: string): Promise<number> {
	const from = performance.now();
	await ask(page, 'providers.search', { text: query, limit: 30 });
	return performance.now() - from;
}

/** Made-up names as hospitals have them. */
function directory(): object[] {
	const saints = [
		'Mercy',
		'Grace',
		'Providence',
		'Saint Anne',
		'Saint Luke',
		'Good Samaritan',
		'Riverside',
		'Lakeview',
	];
	const places = ['North', 'South', 'East', 'West', 'Upper', 'Lower', 'Central', 'Greater', 'Old', 'New'];
	const towns = [
		'Ashford',
		'Birchwood',
		'Coldwater',
		'Dunmore',
		'Eagleton',
		'Fairhaven',
		'Göteborg',
		'Hartwell',
		'Ironside',
	];
	const kinds = ['Regional Center', 'Hospital', 'Clinic', 'Medical Group', 'Family Practice', 'Health System'];
	const pick = <T>(list: T[], n: number) => list[n % list.length]!;
	return Array.from({ length: PROVIDERS }, (_, n) => ({
		id: `p${n}`,
		name: `${pick(places, n)} ${pick(towns, Math.floor(n / 3))} ${pick(saints, Math.floor(n / 7))} ${pick(kinds, Math.floor(n / 11))} ${n}`,
		location: `${pick(towns, n)}, ${pick(['ME', 'WI', 'CO', 'OR', 'TX', 'VT', 'NV'], n)}`,
		aliases: [`${pick(saints, n)} ${pick(kinds, n)}`],
		fhirBaseUrl: `https://fhir-${n}.example/r4`,
		clientId: `client-${n}`,
	}));
}
