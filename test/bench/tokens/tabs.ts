/** Many tabs that all refresh at once, while one version of the worker after the other takes over. */
import type { BrowserContext, Page } from '@playwright/test';
import { CONTRACT_VERSION } from '../../../sw/contract.js';
import { SERVERS, type TokenStack } from './stack.js';
import { Wallet } from './wallet.js';

/** The longest pause between two rounds, in milliseconds. */
const REST_MS = 100;
/** How long a new version may take to come in once it was let in, in milliseconds. */
const ENTRY_MS = 60_000;
/** How many rounds in a row may pass without a refresh: the connections are dead then. */
const MOST_IDLE_ROUNDS = 40;
/** Rounds that both versions serve before the new one is let in. */
const SIDE_BY_SIDE = 4;

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
	/** Grants that the server ended. */
	familiesRevoked: number;
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

	const total = { asked: 0, besides: 0, refused: 0 };
	let taken = 0;
	/** The tab that goes to the new version: its questions die with it, as they would. */
	let reloading: Page | undefined;
	let idle = 0;

	/** All tabs at once, and all their answers. */
	const round = async () => {
		const before = counts().refreshes;
		const answers = pages.map(async (page) => {
			try {
				return await page.evaluate(askAtOnce, { satchel: CONTRACT_VERSION, ids });
			} catch (error) {
				if (page !== reloading) throw error;
				return undefined;
			}
		});
		for (const told of await Promise.all(answers)) {
			total.asked += told?.asked ?? 0;
			total.besides += told?.besides ?? 0;
			total.refused += told?.refused ?? 0;
		}
		idle = counts().refreshes > before ? 0 : idle + 1;
		progress?.(counts().refreshes, taken);
		await rest(Math.random() * REST_MS);
	};
	// A replay ends the connection, and what is lost is not refreshed any more: there is nothing left to wait for.
	const dead = () => counts().replays > 0 || idle > MOST_IDLE_ROUNDS;

	/**
	 * A new version waits while the tabs go on, and is let in by one of them in the middle of a round. Then they ask for nothing
	 * until it is there, as the app's own loops do: Chromium lets it in when the old one has no event under way.
	 * @returns whether it came
	 */
	const update = async (page: Page): Promise<boolean> => {
		const version = await stack.release();
		const offered = page.evaluate(untilWaiting);
		await Promise.all([offered, round()]);
		const bar = page.getByRole('status', { name: 'A new version is ready.' });
		await bar.waitFor();
		for (let i = 0; i < SIDE_BY_SIDE && !dead(); i++) await round();
		const reloaded = page.waitForEvent('load', { timeout: ENTRY_MS });
		const entered = reloaded.then(() => inControl(context, version)).catch(() => false);
		reloading = page;
		const press = async () => {
			await rest(Math.random() * REST_MS);
			await bar.getByRole('button', { name: 'Reload' }).click();
		};
		await Promise.all([round(), press()]);
		const came = await entered;
		reloading = undefined;
		return came;
	};

	let stuck = false;
	while (!dead() && !stuck && (counts().refreshes < refreshes || taken < updates)) {
		// Spread over the whole.
		const due = Math.min(updates, Math.floor((counts().refreshes / refreshes) * (updates + 1)));
		if (taken >= due) await round();
		else if (await update(pages[taken % pages.length] ?? wallet.page)) taken++;
		else stuck = true;
	}

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
	const { refreshes: counted, replays, familiesRevoked } = counts();
	return { ...total, refreshes: counted, replays, familiesRevoked, updates: taken, connections: ids.length, alive };
}

/** Waits until a worker of this version runs, as the active one. */
async function inControl(context: BrowserContext, version: number): Promise<boolean> {
	for (const end = Date.now() + ENTRY_MS; Date.now() < end; await rest(20)) {
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
			if (active) return true;
		}
	}
	return false;
}

/** Runs in a page: has it look for a new version, and waits until that is installed. */
async function untilWaiting(): Promise<void> {
	const registration = await navigator.serviceWorker.ready;
	await registration.update();
	while (!registration.waiting) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Runs in a page: presses of "Refresh Now", and a page load's tending. */
async function askAtOnce({ satchel, ids }: { satchel: number; ids: string[] }) {
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
	questions.push(ask('connections.tend', {}));
	await Promise.all(questions);
	return { asked: questions.length, besides, refused };
}
