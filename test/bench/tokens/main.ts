/** The whole bench: options, lanes, tables. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Browser, chromium as playwright } from 'playwright';
// @ts-expect-error a script without types, shared with the README's commands
import { CHROMIUM_ARGS, chromium } from '../../tools/chromium.mjs';
import { machine } from '../machine.js';
import { measured } from '../readme.js';
import { table } from '../table.js';
import { BARRIERS, losesAnswer } from './barriers.js';
import { type Cell, killEverywhere } from './lanes.js';
import { SERVERS, startTokenStack } from './stack.js';
import { refreshFromManyTabs, type TabsResult } from './tabs.js';

const TABS = 8;
const USERNAMES = ['camila', 'derrick', 'linnea'];
/** Seconds: half of it is used, so every connection is due all the time. */
const SHORT_ACCESS = 2;

const dist = fileURLToPath(new URL('../../../dist', import.meta.url));

/** @returns the exit code: 0 if everything is as it should be */
export async function main(args: string[]): Promise<number> {
	const { values } = parseArgs({
		args,
		options: {
			/** Of each barrier at each server; with 0 that part is left out, and so with the refreshes. */
			runs: { type: 'string', default: '200' },
			refreshes: { type: 'string', default: '1000' },
			updates: { type: 'string', default: '12' },
			lanes: { type: 'string', default: '3' },
			/** Writes nothing. */
			dry: { type: 'boolean', default: false },
		},
	});
	const [runs, refreshes, updates, lanes] = [values.runs, values.refreshes, values.updates, values.lanes].map(Number);
	const executablePath: string | undefined = chromium();
	const browser = await playwright.launch({ ...(executablePath && { executablePath }), args: CHROMIUM_ARGS });
	const wrong: string[] = [];
	const tell = async (part: 'kills' | 'tabs', started: number, numbers: string) => {
		const report = `${machine(browser.version(), started)}\n\n${numbers}`;
		console.log(`\n${report}\n`);
		if (!values.dry) await measured(part, report);
	};
	try {
		if (runs) {
			const started = Date.now();
			const cells = await killEverywhere(browser, { dist, runs, lanes: lanes ?? 1, progress });
			wrong.push(...cells.flatMap(faultsOfCell));
			await tell('kills', started, killTable(cells));
		}
		if (refreshes) {
			const started = Date.now();
			const wanted = { refreshes, updates: updates ?? 0 };
			const tabs = await manyTabs(browser, wanted);
			wrong.push(...faultsOfTabs(tabs, wanted));
			await tell('tabs', started, tabsTable(tabs));
		}
		for (const fault of wrong) console.error(`✗ ${fault}`);
		return wrong.length > 0 ? 1 : 0;
	} finally {
		await browser.close();
	}
}

function progress(done: number, all: number): void {
	if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all} kills `);
	else if (done % 100 === 0) console.error(`${done} of ${all} kills`);
}

async function manyTabs(browser: Browser, wanted: { refreshes: number; updates: number }): Promise<TabsResult> {
	const stack = await startTokenStack({ dist, accessSeconds: SHORT_ACCESS });
	const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
	try {
		return await refreshFromManyTabs(context, stack, { tabs: TABS, usernames: USERNAMES, ...wanted });
	} finally {
		await context.close();
		await stack.close();
	}
}

/** Lost where the server forgave, or where nothing had been rotated away: that is the wallet's fault. So is silence. */
export function faultsOfCell({ server, barrier, runs, alive, told, silent, unjudged, why }: Cell): string[] {
	const where = `${SERVERS[server].name}, ${barrier}`;
	const mayEnd = server === 'strict' && losesAnswer(barrier);
	return [
		...(silent > 0 ? [`${where}: ${silent} silently dead (${[...new Set(why)].join('; ')})`] : []),
		...(told > 0 && !mayEnd ? [`${where}: ${told} lost that need not be`] : []),
		...(unjudged > 0 ? [`${where}: ${unjudged} could not be judged (${[...new Set(why)].join('; ')})`] : []),
		...(alive + told + silent + unjudged !== runs ? [`${where}: not every run was made`] : []),
	];
}

export function faultsOfTabs(
	{ refreshes, replays, familiesRevoked, refused, connections, alive, updates }: TabsResult,
	wanted: { refreshes: number; updates: number },
): string[] {
	return [
		...(replays > 0 ? [`tabs: ${replays} replays`] : []),
		...(familiesRevoked > 0 ? [`tabs: ${familiesRevoked} grants ended by the server`] : []),
		...(alive < connections ? [`tabs: ${connections - alive} of ${connections} connections lost`] : []),
		...(refused > 0 ? [`tabs: ${refused} commands answered with an error`] : []),
		...(refreshes < wanted.refreshes ? [`tabs: ${refreshes} refreshes only`] : []),
		...(updates < wanted.updates ? [`tabs: ${updates} versions took over, of ${wanted.updates}`] : []),
	];
}

function killTable(cells: Cell[]): string {
	const header = ['killed', 'server', 'runs', 'goes on', 'asks to sign in again, and then goes on', 'silently dead'];
	const rows = BARRIERS.flatMap((barrier) =>
		cells
			.filter((cell) => cell.barrier === barrier)
			.map(({ server, runs, alive, told, silent }) => [
				barrier,
				server === 'grace' ? 'with grace' : 'without grace',
				...[runs, alive, told, silent].map(String),
			]),
	);
	return table(header, rows);
}

function tabsTable({
	refreshes,
	replays,
	familiesRevoked,
	updates,
	asked,
	besides,
	connections,
	alive,
}: TabsResult): string {
	const header = [
		'tabs',
		'connections',
		'asked',
		'a waiting version asked',
		'refreshes',
		'versions that took over',
		'replays',
		'grants ended',
		'lost',
	];
	const lost = connections - alive;
	const row = [TABS, connections, asked, besides, refreshes, updates, replays, familiesRevoked, lost].map(String);
	return table(header, [row]);
}
