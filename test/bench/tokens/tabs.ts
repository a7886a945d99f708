/** Many tabs that all refresh at once, while one version of the worker after the other takes over. */
import type { BrowserContext, Page } from '@playwright/test';
import { CONTRACT_VERSION } from '../../../sw/contract.js';
import { SERVERS, type TokenStack } from './stack.js';
import { Wallet } from './wallet.js';

/** The longest pause between two rounds, in milliseconds. */
const REST_MS = 150;
const LONGEST_REST_MS = 1000;
/** For how long the tabs make room for a new version, in milliseconds. */
const ROOM_MS = 8000;
/** No refresh in this time, in milliseconds: the connections are dead. */
const STALLED_MS = 60_000;
/** Refreshes that a new version waits for before it is let in. */
const SIDE_BY_SIDE = 15;

const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export interface TabsOptions {
	tabs: number;
	/** Goes on until the strict server has counted so many. */
	refreshes: number;
	/** Goes on until so many versions have taken over, too. */
	updates: number;
	/** A connection of each. */
	usernames: string[];
	/** Told how far it is. */
	progress?: (refreshes: number, updates: number) => void;
}

export interface TabsResult {
	refreshes: number;
	replays: number;
	/** Versions that took over while the tabs refreshed. */
	updates: number;
	/** Commands that tabs sent: refreshes asked for, page loads' tending. */
	asked: number;
	/** Those of them that a waiting version answered, beside the active one. */
	besides: number;
	/** Commands that were answered with an error. */
	refused: number;
	connections: number;
	/** Connections that can be refreshed at the end. */
	alive: number;
}

export async function refreshFromManyTabs(
	context: BrowserContext,
	stack: TokenStack,
	{ tabs, refreshes, updates, usernames, progress }: TabsOptions,
): Promise<TabsResult> {
	const counts = () => stack.sandbox.faults.counts(SERVERS.strict.id);
	const wallet = await Wallet.open(context, stack);
	const ids: string[] = [];
	for (const username of usernames) ids.push(await wallet.connect('strict', username));
	const others = await Promise.all(Array.from({ length: tabs - 1 }, () => context.newPage()));
	const pages = [wallet.page, ...others];
	for (const page of others) await page.goto(`${stack.origin}/connections`);

	let asked = 0;
	let besides = 0;
	let refused = 0;
	let over = false;
	let taken = 0;
	/** The tab that goes to the new version. */
	let reloading: Page | undefined;
	/** When a version was told to take over; it has not yet. */
	let letInAt: number | undefined;
	const makesRoom = () => letInAt !== undefined && Date.now() - letInAt < ROOM_MS;

	/**
	 * All tabs at once, again and again. Chromium lets a new version in when the old one has no event under way, so there has
	 * to be such a moment (else it comes after five minutes): then nothing is set off that goes on behind a round.
	 */
	const rounds = async () => {
		let pause = REST_MS;
		while (!over) {
			const told = await Promise.all(pages.map((page) => round(page)));
			for (const each of told) {
				asked += each.asked;
				besides += each.besides;
				refused += each.refused;
			}
			// Longer and longer until the new version is in.
			pause = makesRoom() ? Math.min(pause * 2, LONGEST_REST_MS) : Math.random() * REST_MS;
			await rest(pause);
		}
	};
	const round = async (page: Page) => {
		try {
			return await page.evaluate(askAtOnce, { satchel: CONTRACT_VERSION, ids, tend: !makesRoom() });
		} catch (error) {
			// Its questions die with it, as they would.
			if (page !== reloading) throw error;
			return { asked: 0, besides: 0, refused: 0 };
		}
	};
	const update = async () => {
		for (let turn = 0; !over; turn++) {
			const version = await stack.release();
			const page = pages[turn % pages.length] ?? wallet.page;
			reloading = page;
			await page.evaluate(() => navigator.serviceWorker.ready.then((registration) => registration.update()));
			const bar = page.getByRole('status', { name: 'A new version is ready.' });
			await bar.waitFor();
			// For a while both versions are there, and both refresh.
			const waitingSince = counts().refreshes;
			while (!over && counts().refreshes < waitingSince + SIDE_BY_SIDE) await rest(20);
			const reloaded = page.waitForEvent('load', { timeout: 330_000 });
			await bar.getByRole('button', { name: 'Reload' }).click();
			letInAt = Date.now();
			const entered = reloaded.then(() => inControl(context, version)).then(() => true);
			// What comes too late is not counted, and nobody waits for it.
			if (!(await Promise.race([entered.catch(() => false), ended.then(() => false)]))) return;
			letInAt = undefined;
			taken++;
		}
	};
	let end = () => {};
	const ended = new Promise<void>((resolve) => {
		end = resolve;
	});
	const watch = async () => {
		let [seen, since] = [0, Date.now()];
		const kept = () => letInAt !== undefined && Date.now() - letInAt > STALLED_MS;
		while (counts().refreshes < refreshes || (taken < updates && !kept())) {
			progress?.(counts().refreshes, taken);
			await rest(100);
			if (counts().refreshes !== seen) [seen, since] = [counts().refreshes, Date.now()];
			// A replay ends the connection, and what is lost is not refreshed any more: there is nothing left to wait for.
			if (counts().replays > 0 || Date.now() - since > STALLED_MS) break;
		}
		over = true;
		end();
	};
	await Promise.all([rounds(), update(), watch()]);

	let alive = 0;
	for (const id of ids) {
		// What still goes on in the background is joined at first.
		for (let tries = 0; tries < 5; tries++) {
			const before = counts().refreshes;
			const { status, problem } = await wallet.command('connection.refresh', { id });
			if (status !== 'active' || problem || counts().refreshes === before) continue;
			alive++;
			break;
		}
	}
	const { refreshes: counted, replays } = counts();
	return { refreshes: counted, replays, updates: taken, asked, besides, refused, connections: ids.length, alive };
}

/** Waits until a worker of this version runs, as the active one. */
async function inControl(context: BrowserContext, version: number): Promise<void> {
	for (;;) {
		for (const worker of context.serviceWorkers()) {
			const active = await worker
				.evaluate((version) => {
					const { registration, release } = self as unknown as {
						registration: ServiceWorkerRegistration;
						release?: number;
					};
					return release === version && registration.active !== null && registration.waiting === null;
				}, version)
				.catch(() => false);
			if (active) return;
		}
		await rest(20);
	}
}

/** Runs in a page: presses of "Refresh Now", and a page load's tending. */
async function askAtOnce({ satchel, ids, tend }: { satchel: number; ids: string[]; tend: boolean }) {
	const { serviceWorker } = navigator;
	let besides = 0;
	let refused = 0;
	const ask = (command: string, payload: object) =>
		new Promise<void>((resolve) => {
			const message = { satchel, id: crypto.randomUUID(), command, payload };
			// The version that waits would answer as well, so that two workers refresh the same connections side by side.
			const toWaiting = Math.random() < 0.3;
			const post = async () => {
				const { active, waiting } = await serviceWorker.ready;
				(toWaiting && waiting ? waiting : active)?.postMessage(message);
				if (toWaiting && waiting) besides++;
			};
			// A message may have gone with the old version: the app repeats it as well.
			const again = setInterval(post, 4000);
			const receive = ({ data }: MessageEvent) => {
				if (data?.id !== message.id) return;
				clearInterval(again);
				serviceWorker.removeEventListener('message', receive);
				if (!data.ok) refused++;
				resolve();
			};
			serviceWorker.addEventListener('message', receive);
			void post();
		});
	const questions = ids.map(async (id) => {
		await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
		await ask('connection.refresh', { id });
	});
	if (tend) questions.push(ask('connections.tend', {}));
	await Promise.all(questions);
	return { asked: questions.length, besides, refused };
}
