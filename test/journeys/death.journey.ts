/** Whatever dies in the middle of a send (the worker, the page, the relay, the network), the agent gets all of it, once. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expectSent, include, send } from './person.js';
import { expectEqual } from './records.js';
import { rowKinds } from './store.js';
import { connect, expect, killWorker, type Stack, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

/** Slow enough that something can happen in between. */
function slow(stack: Stack, delayMs = 60): void {
	stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { delayMs } });
}

async function untilAsked(stack: Stack, count: number): Promise<void> {
	await expect
		.poll(() => stack.sandbox.faults.counts('harbor').requests.fhir ?? 0, { intervals: [20], timeout: 40_000 })
		.toBeGreaterThanOrEqual(count);
}

async function untilStored(page: Page, kind: string): Promise<void> {
	await expect.poll(() => rowKinds(page), { intervals: [50], timeout: 40_000 }).toContain(kind);
}

/** Until the relay's store has a part of the session on this page. */
async function untilParked(page: Page, stack: Stack): Promise<void> {
	const folder = join(stack.dataDir, 'sessions', new URL(page.url()).pathname.split('/')[2] ?? '');
	const parts = async () => (await readdir(folder)).filter((name) => /^[\w-]{22}\W/.test(name));
	await expect.poll(parts, { intervals: [50], timeout: 40_000 }).not.toEqual([]);
}

test('the worker is killed four times while it reads, and nothing is missing or there twice', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	slow(stack);
	stack.sandbox.faults.counts('harbor').requests.fhir = 0;
	await send(page);
	await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
	await untilAsked(stack, 3);
	await killWorker(page);
	for (let kill = 0; kill < 3; kill++) {
		// Each time it got further: what was read before is on disk, and some of what comes after it is not.
		await untilStored(page, 'chunk');
		await untilAsked(stack, (stack.sandbox.faults.counts('harbor').requests.fhir ?? 0) + 25);
		await killWorker(page);
	}
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'derrick']]);
	expect(await asking.exitCode()).toBe(0);
});

test('the worker is killed while parts are on their way, and the agent gets all of them', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'haruto' });
	await connect(page, { provider: 'Summit', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await include(page, 'Summit Regional').check();
	// One source is sealed and on its way while the other one still reads.
	stack.sandbox.faults.add({ system: 'summit', match: { endpoint: 'fhir' }, action: { delayMs: 250 } });
	await send(page);
	await untilParked(page, stack);
	await killWorker(page);
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [
		['harbor', 'haruto'],
		['summit', 'camila', ['RelatedPerson']],
	]);
	expect(await asking.exitCode()).toBe(0);
});

test('the worker is killed while a connection is refreshed, and the connection goes on working', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	stack.sandbox.faults.expire('harbor', 'access');
	stack.sandbox.faults.add({ match: { endpoint: 'token', times: 1 }, action: { delayMs: 1500 } });
	const tokens = stack.sandbox.faults.counts('harbor').requests.token ?? 0;
	await send(page);
	await expect.poll(() => stack.sandbox.faults.counts('harbor').requests.token).toBe(tokens + 1);
	await killWorker(page);
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('a page that is closed in the middle of a send goes on when it is opened again', async ({
	page,
	context,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	const { url } = await asking.link();
	await page.goto(url);
	await include(page, HARBOR).check();
	slow(stack, 150);
	await send(page);
	await untilStored(page, 'chunk');
	const observer = await context.newPage();
	await observer.goto('/manifest.webmanifest');
	await page.close();
	await killWorker(observer);
	const again = await context.newPage();
	await again.goto(url);
	await expectSent(again);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('a relay that restarts in the middle of a send loses nothing', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'haruto' });
	await connect(page, { provider: 'Summit', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await include(page, 'Summit Regional').check();
	stack.sandbox.faults.add({ system: 'summit', match: { endpoint: 'fhir' }, action: { delayMs: 250 } });
	await send(page);
	await untilParked(page, stack);
	await stack.restartRelay();
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [
		['harbor', 'haruto'],
		['summit', 'camila', ['RelatedPerson']],
	]);
	expect(await asking.exitCode()).toBe(0);
});

test('a send waits while the network is away, and goes on by itself', async ({ page, context, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	slow(stack, 100);
	await send(page);
	await untilStored(page, 'chunk');
	await context.setOffline(true);
	await expect(page.getByText('You are offline. Paused. It goes on by itself', { exact: false })).toBeVisible();
	await context.setOffline(false);
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});
