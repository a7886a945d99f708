import { card, include } from './person.js';
import { connect, expect, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const OFFLINE = 'You are offline. What is stored here can still be reviewed, and being offline ends no connection.';

test('without a network the app opens, shows every connection as it was, and says that it is offline', async ({
	page,
	context,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '30 days' });
	await connect(page, { provider: 'Riverbend', username: 'linnea' });
	await context.setOffline(true);
	await page.reload();
	await expect(page.getByText(OFFLINE)).toBeVisible();
	await expect(card(page, HARBOR)).toContainText('Camila María Ibáñez');
	await expect(card(page, HARBOR)).toContainText('Active');
	await expect(card(page, HARBOR)).toContainText('Connected just now');
	await expect(card(page, HARBOR)).toContainText('Last refreshed just now');
	await expect(card(page, HARBOR)).toContainText(/Expires .* \((29|30) days left\)/);
	await expect(card(page, /Riverbend/)).toContainText('Linnéa Åkerström');
	await expect(card(page, HARBOR).getByRole('button', { name: 'Refresh Now' })).toBeDisabled();
	for (const [path, heading] of [
		['/', 'Your health records, carried by you'],
		['/collect', 'Collect your records'],
		['/connections/select', 'Find your health provider'],
	] as const) {
		await page.goto(path);
		await expect(page.getByRole('heading', { name: heading })).toBeVisible();
		await expect(page.getByText(OFFLINE)).toBeVisible();
	}
	await page.goto('/connections');
	const { refreshes } = stack.sandbox.faults.counts('harbor');
	await context.setOffline(false);
	await expect(page.getByText(OFFLINE)).toBeHidden();
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect.poll(() => stack.sandbox.faults.counts('harbor').refreshes).toBeGreaterThan(refreshes);
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('an access token that runs out while offline marks nothing as expired, and is renewed back online', async ({
	page,
	context,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '30 days' });
	await context.setOffline(true);
	const later = 3 * 3600_000;
	await page.clock.setFixedTime(Date.now() + later);
	await context.serviceWorkers()[0]!.evaluate((ahead) => {
		const real = Date.now;
		Date.now = () => real() + ahead;
	}, later);
	const { refreshes } = stack.sandbox.faults.counts('harbor');
	await page.reload();
	await expect(page.getByText(OFFLINE)).toBeVisible();
	await expect(card(page, HARBOR)).toContainText('Last refreshed 3 hours ago');
	await expect(card(page, HARBOR)).not.toContainText('xpired');
	await expect(card(page, HARBOR).getByRole('button', { name: 'Re-authorize' })).toHaveCount(0);
	expect(stack.sandbox.faults.counts('harbor').refreshes).toBe(refreshes);
	await context.setOffline(false);
	// Playwright gives page and worker their network back one after the other; a page that loads finds both.
	await page.reload();
	await expect.poll(() => stack.sandbox.faults.counts('harbor').refreshes).toBe(refreshes + 1);
	await expect(card(page, HARBOR)).toContainText('Last refreshed just now');
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('a provider that is down does not make a connection expire', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const up = stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { status: 503 } });
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText(/Could not be checked, since /);
	await expect(card(page, HARBOR)).toContainText('Its server reports a problem of its own. Your connection is kept.');
	up();
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('a session that was opened is still there offline, and sending waits for the network', async ({
	page,
	context,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto((await (await agent({ who: 'Visit helper' })).link()).url);
	await include(page, HARBOR).check();
	await context.setOffline(true);
	await page.reload();
	await expect(page.getByRole('heading', { name: 'Visit helper asks for your health records' })).toBeVisible();
	await expect(include(page, HARBOR)).toBeChecked();
	await expect(page.getByRole('button', { name: 'Send Selected to AI' })).toBeDisabled();
	await context.setOffline(false);
	await expect(page.getByRole('button', { name: 'Send Selected to AI' })).toBeEnabled();
});
