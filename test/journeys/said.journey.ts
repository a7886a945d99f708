import { card, confirm } from './person.js';
import { connect, expect, signIn, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

test('what was done is said: checked, removed, cleared; and offline, why the next step has to wait', async ({
	page,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(page.getByRole('status').filter({ hasText: `${HARBOR} was checked just now.` })).toBeVisible();
	await card(page, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await expect(page.getByText('was checked just now')).toBeHidden();
	await confirm(page, 'Remove');
	await expect(page.getByRole('status').filter({ hasText: `${HARBOR} was removed.` })).toBeVisible();
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	await expect(page.getByText('All connections were cleared.')).toBeVisible();
	await page.getByRole('link', { name: 'Connect a Health Provider' }).click();
	await expect(page.getByRole('link', { name: 'Connections', exact: true })).toHaveAttribute('aria-current', 'true');
	await page.context().setOffline(true);
	await page.getByRole('button', { name: /Harbor/ }).click();
	await expect(page.getByRole('button', { name: /^Continue to/ })).toBeDisabled();
	await expect(page.getByText('Signing in needs the internet.')).toBeVisible();
});

test('a provider that does not confirm the end of access is named, as only the person can end it there', async ({
	page,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Sagebrush', username: 'zoe' });
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	const said = page.getByRole('status').filter({ hasText: 'All connections were cleared.' });
	await expect(said).toContainText('Sagebrush Regional Care did not confirm that access has ended.');
	await expect(said).not.toContainText(HARBOR);
});

test('a session that runs out while it is looked at turns into its end, without asking anybody', async ({
	page,
	agent,
}) => {
	const { url } = await (await agent()).link();
	await page.clock.install();
	await page.goto(url);
	await expect(page.getByText('Match code')).toBeVisible();
	await page.clock.pauseAt(Date.now() + 58 * 60_000);
	await expect(page.getByText('Match code')).toBeVisible();
	const asked: string[] = [];
	page.on('request', (request) => asked.push(new URL(request.url()).pathname));
	await page.clock.runFor(3 * 60_000);
	await expect(page.getByRole('heading', { name: 'This session has ended' })).toBeVisible();
	expect(asked.filter((path) => path.startsWith('/api/'))).toEqual([]);
});

test('access that a provider declines to renew is told as that, not as a sign-in nor as an end', async ({
	page,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	stack.sandbox.faults.add({
		match: { endpoint: 'token' },
		action: { status: 400, body: '{"error":"access_denied"}', contentType: 'application/json' },
	});
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText(
		'Access was not given. The provider reports that it was declined. Nothing has changed here, and you can try again at any time.',
	);
	await expect(card(page, HARBOR).getByRole('button', { name: 'Refresh Now' })).toBeEnabled();
});

test('what takes a while is said while it lasts', async ({ page, stack }) => {
	const { faults } = stack.sandbox;
	/** Its answers are kept until the returned function is called. */
	const holdRevoking = () => {
		const stop = faults.hold({ match: { endpoint: 'revoke' } });
		return () => {
			stop();
			faults.release();
		};
	};
	const status = (text: string) => page.getByRole('status').filter({ hasText: text });
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	let answer = holdRevoking();
	await card(page, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await confirm(page, 'Remove');
	await expect(status(`Removing ${HARBOR}…`)).toBeVisible();
	answer();
	await expect(status(`${HARBOR} was removed.`)).toBeVisible();

	await connect(page, { provider: 'Harbor', username: 'camila' });
	faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'linnea');
	await page.waitForURL('**/connections');
	answer = holdRevoking();
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	await expect(status('Clearing all connections and ending access…')).toBeVisible();
	await expect(page.getByRole('button', { name: 'Clear All Connections' })).toBeDisabled();
	answer();
	await expect(page.getByText('All connections were cleared.')).toBeVisible();
	await expect(page.getByRole('heading', { name: 'Somebody else signed in' })).toHaveCount(0);
});
