/** Whatever dies in the middle of a refresh, and however many ask for one: the bench (`npm run bench:tokens`) in short. */
import { fileURLToPath } from 'node:url';
import { type BrowserContext, test as base } from '@playwright/test';
import { BARRIERS, losesAnswer } from '../bench/tokens/barriers.js';
import { killAt } from '../bench/tokens/kills.js';
import { type Server, startTokenStack } from '../bench/tokens/stack.js';
import { refreshFromManyTabs } from '../bench/tokens/tabs.js';
import { Wallet } from '../bench/tokens/wallet.js';
import { expect } from './support.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
/** At each barrier. */
const KILLS = 1;

/** The systems of this journey are not the demo's: access tokens of any length, a server with and one without grace. */
const test = base.extend<{ fresh: (accessSeconds?: number) => ReturnType<typeof startTokenStack> }>({
	// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter list
	fresh: async ({}, use) => {
		const stacks: Awaited<ReturnType<typeof startTokenStack>>[] = [];
		await use(async (accessSeconds = 3600) => {
			const stack = await startTokenStack({ dist, accessSeconds });
			stacks.push(stack);
			return stack;
		});
		for (const stack of stacks) await stack.close();
	},
});

// Many page loads and eight tabs: on a busy machine they take their time.
test.describe.configure({ timeout: 180_000 });

/** What becomes of a connection, for each barrier. */
async function fates(context: BrowserContext, stack: Awaited<ReturnType<typeof startTokenStack>>, server: Server) {
	const wallet = await Wallet.open(context, stack);
	const username = 'camila';
	const connectionId = await wallet.connect(server, username);
	const found: [string, string][] = [];
	for (const barrier of BARRIERS) {
		for (let kill = 0; kill < KILLS; kill++) {
			const { fate, why } = await killAt(barrier, { wallet, server, username, connectionId });
			found.push([barrier, why ?? fate]);
		}
	}
	return found;
}

const expected = (fate: (barrier: (typeof BARRIERS)[number]) => string) =>
	BARRIERS.flatMap((barrier) => Array.from({ length: KILLS }, () => [barrier, fate(barrier)]));

test('a worker that is killed anywhere in a refresh loses nothing where the provider forgives a repeated token', async ({
	context,
	fresh,
}) => {
	const stack = await fresh();
	expect(await fates(context, stack, 'grace')).toEqual(expected(() => 'alive'));
	expect(stack.sandbox.faults.counts('grace').replays).toBe(0);
});

test('where the provider forgives nothing, a killed worker costs a connection only with a lost answer, and the card says so', async ({
	context,
	fresh,
}) => {
	const stack = await fresh();
	const told = expected((barrier) => (losesAnswer(barrier) ? 'told' : 'alive'));
	expect(await fates(context, stack, 'strict')).toEqual(told);
	// The token is presented once more, and never again.
	const lost = told.filter(([, fate]) => fate === 'told').length;
	expect(stack.sandbox.faults.counts('strict')).toMatchObject({ replays: lost, familiesRevoked: lost });
});

test('eight tabs that refresh through an update cause no replay', async ({ context, fresh }) => {
	const options = { tabs: 8, refreshes: 50, updates: 1, usernames: ['camila', 'derrick'] };
	const result = await refreshFromManyTabs(context, await fresh(2), options);
	expect(result).toMatchObject({ replays: 0, refused: 0, connections: 2, alive: 2 });
	expect(result.refreshes).toBeGreaterThanOrEqual(50);
	expect(result.updates).toBeGreaterThanOrEqual(1);
});
