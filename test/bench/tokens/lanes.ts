/** Many deaths, in several wallets side by side: each lane has its own stack, so that no run disturbs another. */
import type { Browser } from '@playwright/test';
import { BARRIERS, type Barrier } from './barriers.js';
import { type Fate, killAt } from './kills.js';
import { SERVERS, type Server, startTokenStack, type TokenStack } from './stack.js';
import { Wallet } from './wallet.js';

const USERNAME = 'camila';

/** What became of the connections of one server at one barrier. */
export interface Cell extends Record<Fate, number> {
	server: Server;
	barrier: Barrier;
	runs: number;
	/** Runs that the bench itself did not bring to an end. */
	unjudged: number;
	/** What was wrong, where something was. */
	why: string[];
}

export interface LanesOptions {
	dist: string;
	/** Of each barrier at each server. */
	runs: number;
	lanes: number;
	progress?: (done: number, all: number) => void;
}

interface Lane {
	wallet: Wallet;
	connections: Record<Server, string>;
}

export async function killEverywhere(browser: Browser, { dist, runs, lanes, progress }: LanesOptions): Promise<Cell[]> {
	const servers = Object.keys(SERVERS) as Server[];
	const cells = BARRIERS.flatMap((barrier) =>
		servers.map((server): Cell => ({ server, barrier, runs, alive: 0, told: 0, silent: 0, unjudged: 0, why: [] })),
	);
	// Barriers and servers by turns: whatever the machine does meanwhile, it does to all of them.
	const todo = Array.from({ length: runs }, () => cells).flat();
	const all = todo.length;
	const work = async () => {
		const stack = await startTokenStack({ dist });
		let lane: Lane | undefined;
		try {
			for (let cell = todo.shift(); cell; cell = todo.shift()) {
				try {
					lane ??= await openLane(browser, stack, servers);
					const { server, barrier } = cell;
					const victim = { wallet: lane.wallet, server, username: USERNAME, connectionId: lane.connections[server] };
					const { fate, why } = await killAt(barrier, victim);
					cell[fate]++;
					if (why) cell.why.push(why);
					if (fate === 'silent') lane = await closeLane(lane);
				} catch (error) {
					cell.unjudged++;
					cell.why.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
					stack.sandbox.faults.reset();
					lane = await closeLane(lane);
				}
				progress?.(all - todo.length, all);
			}
		} finally {
			await closeLane(lane);
			await stack.close();
		}
	};
	await Promise.all(Array.from({ length: lanes }, work));
	return cells;
}

async function openLane(browser: Browser, stack: TokenStack, servers: Server[]): Promise<Lane> {
	const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
	const wallet = await Wallet.open(context, stack);
	const connections = {} as Record<Server, string>;
	for (const server of servers) connections[server] = await wallet.connect(server, USERNAME);
	return { wallet, connections };
}

/** The next run begins with another wallet. */
async function closeLane(lane: Lane | undefined): Promise<undefined> {
	await lane?.wallet.close();
}
