/** A new version that is let in while the worker is busy: it comes soon, and what was under way goes on in it. */
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from '@playwright/test';
import { SERVERS, startTokenStack, type TokenStack } from '../bench/tokens/stack.js';
import { Wallet } from '../bench/tokens/wallet.js';
import { expectSent, include, send } from './person.js';
import { expectEqual } from './records.js';
import { Agent, test as base, expect } from './support.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const test = base.extend<{ fresh: TokenStack }>({
	// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter list
	fresh: async ({}, use) => {
		const stack = await startTokenStack({ dist });
		await use(stack);
		await stack.close();
	},
	baseURL: ({ fresh }, use) => use(fresh.origin),
});

test.describe.configure({ timeout: 120_000 });

/** More than a slice of a job takes with its last requests; pages that go on asking keep a new version out for five minutes. */
const SOON = { timeout: 50_000 };

const bar = (page: Page) => page.getByRole('status', { name: 'A new version is ready.' });

/** Serves another version and waits until this page offers it. */
async function offered(page: Page, stack: TokenStack): Promise<number> {
	const version = await stack.release();
	await page.evaluate(() => navigator.serviceWorker.ready.then((registration) => registration.update()));
	await expect(bar(page)).toBeVisible();
	return version;
}

/** The numbers of the versions that run. */
function versions(context: BrowserContext): Promise<(number | undefined)[]> {
	const workers = context.serviceWorkers();
	return Promise.all(workers.map((each) => each.evaluate(() => (self as { release?: number }).release)));
}

test('a new version is let in between two slices of a send that two tabs keep going, and the send goes on in it', async ({
	context,
	fresh,
}) => {
	const wallet = await Wallet.open(context, fresh);
	await wallet.connect('strict', 'camila');
	const { page } = wallet;
	const asking = await Agent.ask(fresh.origin, {});
	try {
		await page.goto((await asking.link()).url);
		await include(page, SERVERS.strict.name).check();
		// Minutes, at this pace.
		const quicken = fresh.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { delayMs: 3000 } });
		await send(page);
		await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
		const other = await context.newPage();
		await other.goto('/connections');
		const version = await offered(other, fresh);
		let loads = 0;
		other.on('load', () => loads++);
		await bar(other).getByRole('button', { name: 'Reload' }).click();
		await expect.poll(() => loads, SOON).toBe(1);
		await expect.poll(() => versions(context)).toContain(version);
		// It was in the middle of it.
		await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
		quicken();
		await expectSent(page);
		await asking.event('done');
		// The record is cut short, so that nothing in it refers to the Medication that it has.
		expectEqual(await asking.lines(), fresh, [[SERVERS.strict.id, 'camila', ['Medication']]]);
		expect(await asking.exitCode()).toBe(0);
	} finally {
		await asking.stop();
	}
});

test('the other tab, where the new version is still offered, reloads into it at once', async ({ context, fresh }) => {
	const { page } = await Wallet.open(context, fresh);
	const other = await context.newPage();
	await other.goto('/connections');
	await offered(page, fresh);
	await expect(bar(other)).toBeVisible();
	const first = page.waitForEvent('load', SOON);
	await bar(page).getByRole('button', { name: 'Reload' }).click();
	await first;
	await expect(bar(page)).toBeHidden();
	const second = other.waitForEvent('load', SOON);
	await bar(other).getByRole('button', { name: 'Reload' }).click();
	await second;
	await expect(bar(other)).toBeHidden();
});
