/** What is said on whatever screen until it is over, and what coming back to the app sets off. */
import type { Page } from '@playwright/test';
import { look } from './looks.js';
import { card, include } from './person.js';
import { connect, expect, type Stack, signIn, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const OTHER = 'Somebody else signed in';

/** Nothing can be written any more, or again. */
async function breakDisk(page: Page, broken: boolean): Promise<void> {
	const [worker] = page.context().serviceWorkers();
	await worker!.evaluate((breaks) => {
		const scope = self as typeof self & { put?: typeof IDBObjectStore.prototype.put };
		scope.put ??= IDBObjectStore.prototype.put;
		IDBObjectStore.prototype.put = breaks
			? () => {
					throw new DOMException('full', 'QuotaExceededError');
				}
			: scope.put;
	}, broken);
}

test('tokens that cannot be stored are told in every tab, tried again while one is open, and not lost', async ({
	context,
	stack,
}) => {
	const [page, second] = [await context.newPage(), await context.newPage()];
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await second.goto('/');
	// The intent is written before the request leaves: the disk breaks after it, with the answer.
	stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { delayMs: 1_500 } });
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Checking…');
	await expect.poll(() => stack.sandbox.faults.counts('harbor').requests.token).toBeGreaterThan(1);
	await breakDisk(page, true);
	for (const tab of [page, second]) {
		await expect(tab.getByRole('alert').filter({ hasText: 'Keep this tab open' })).toBeVisible();
	}
	stack.sandbox.faults.reset();
	await look(page, 'unsaved');
	await second.reload();
	await expect(second.getByText('Keep this tab open')).toBeVisible();
	await breakDisk(page, false);
	for (const tab of [page, second])
		await expect(tab.getByText('Keep this tab open')).toHaveCount(0, { timeout: 20_000 });
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(page.getByText(`${HARBOR} was checked just now.`)).toBeVisible();
	expect(stack.sandbox.faults.counts('harbor').replays).toBe(0);
});

/** Camila's connection has ended, and Linnéa signs in to repair it. */
async function signInAsSomebodyElse(page: Page, stack: Stack): Promise<void> {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	stack.sandbox.faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'linnea');
	await page.waitForURL('**/connections');
	await expect(page.getByRole('heading', { name: OTHER })).toBeVisible();
}

test('somebody else who signs in to repair a connection can be added beside it, and every tab follows', async ({
	page,
	context,
	stack,
}) => {
	await signInAsSomebodyElse(page, stack);
	const said = `You signed in at ${HARBOR} as Linnéa Åkerström, but this connection belongs to Camila María Ibáñez.`;
	await expect(page.getByRole('alert')).toContainText(said);
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await expect(card(page, HARBOR)).toContainText('Connected just now');
	await page.reload();
	await expect(page.getByRole('alert')).toContainText(said);
	await look(page, 'other-patient');
	const second = await context.newPage();
	await second.goto('/');
	await expect(second.getByRole('heading', { name: OTHER })).toBeVisible();
	await page.getByRole('button', { name: 'Add as another connection' }).click();
	for (const tab of [page, second]) await expect(tab.getByRole('heading', { name: OTHER })).toHaveCount(0);
	await expect(card(page, HARBOR)).toHaveCount(2);
	await expect(card(page, HARBOR).first()).toContainText('Camila María Ibáñez');
	await expect(card(page, HARBOR).first()).toContainText('Connection expired');
	await expect(card(page, HARBOR).last()).toContainText('Linnéa Åkerström');
	await expect(card(page, HARBOR).last()).toContainText('Active');
	expect(stack.sandbox.faults.counts('harbor').requests.revoke).toBeUndefined();
});

test('a sign-in as somebody else that is cancelled ends at the provider and changes nothing', async ({
	page,
	stack,
}) => {
	await signInAsSomebodyElse(page, stack);
	await page.getByRole('button', { name: 'Cancel' }).click();
	await expect(page.getByRole('heading', { name: OTHER })).toHaveCount(0);
	await expect(card(page, HARBOR)).toHaveCount(1);
	await expect(card(page, HARBOR)).toContainText('Camila María Ibáñez');
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await expect.poll(() => stack.sandbox.faults.counts('harbor').requests.revoke).toBeGreaterThan(0);
	// The right person is still one click away.
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('the choice is also asked in a session, where the trip began', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	stack.sandbox.faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await page.goto((await (await agent()).link()).url);
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'linnea');
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	await expect(page.getByRole('heading', { name: OTHER })).toBeVisible();
	await page.getByRole('button', { name: 'Add as another connection' }).click();
	await expect(card(page, HARBOR)).toHaveCount(2);
	await expect(include(page, HARBOR).last()).toBeEnabled();
});

test('coming back to the app refreshes what is due, once for several reasons at the same moment', async ({
	page,
	context,
	stack,
}) => {
	await page.clock.install();
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.evaluate(() => {
		const scope = window as typeof window & { tends: number };
		scope.tends = 0;
		const post = ServiceWorker.prototype.postMessage;
		ServiceWorker.prototype.postMessage = function (this: ServiceWorker, ...message: [unknown]) {
			if ((message[0] as { command?: string }).command === 'connections.tend') scope.tends++;
			return post.apply(this, message);
		} as typeof post;
	});
	const tends = () => page.evaluate(() => (window as typeof window & { tends: number }).tends);
	const { faults } = stack.sandbox;
	const [worker] = context.serviceWorkers();
	const REASONS = ['foreground', 'the page cache', 'online'] as const;
	/** At the same moment, however busy this machine is. */
	const happen = (reasons: readonly (typeof REASONS)[number][]) =>
		page.evaluate((all) => {
			for (const reason of all) {
				if (reason === 'foreground') document.dispatchEvent(new Event('visibilitychange'));
				else if (reason === 'online') window.dispatchEvent(new Event('online'));
				else window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
			}
		}, reasons);
	let calls = 0;
	for (const reason of REASONS) {
		// The computer was asleep for two hours.
		await worker!.evaluate(() => {
			const real = Date.now;
			Date.now = () => real() + 2 * 60 * 60_000;
		});
		const { refreshes } = faults.counts('harbor');
		await happen([reason]);
		await expect.poll(() => faults.counts('harbor').refreshes, { message: reason }).toBe(refreshes + 1);
		expect(await tends()).toBe(++calls);
	}
	await happen(REASONS);
	// Whatever the page had put off has run now.
	await page.clock.runFor(2_000);
	expect(await tends()).toBe(calls + 1);
	expect(faults.counts('harbor').replays).toBe(0);
});
