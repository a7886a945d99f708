import { look, tabTo } from './looks.js';
import { another, card, connectInSession, expectSent, include, keepIt, SENT, send } from './person.js';
import { chooseProvider, connect, expect, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const SUMMIT = 'Summit Regional';
const HARD = 'axe finds nothing, and at 200 % zoom nothing is cut off';

test(`${HARD}: screens before the first connection`, async ({ page }) => {
	await page.goto('/');
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	await page.getByLabel('Session link').fill('https://elsewhere.example/connect/abc');
	await page.getByRole('button', { name: 'Open link' }).click();
	await expect(page.getByText('This is not a session link.')).toBeVisible();
	await look(page, 'home');
	await page.goto('/nowhere');
	await expect(page.getByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
	await look(page, 'not-found');
	await page.goto('/collect');
	await expect(page.getByText('There is nothing to collect from yet.')).toBeVisible();
	await look(page, 'collect-empty');
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	await look(page, 'connections-empty');
	await page.getByRole('link', { name: 'Connect a Health Provider' }).click();
	await expect(page.getByRole('button', { name: new RegExp(HARBOR) })).toBeVisible();
	await page.getByText('Use another FHIR server').click();
	await look(page, 'select');
	await page.getByRole('searchbox').fill('zzzz');
	await expect(page.getByText('Nothing matches “zzzz”.')).toBeVisible();
	await look(page, 'select-none');
	await page.getByLabel('FHIR base URL').fill('http://fhir.example.org/r4');
	await page.getByLabel('Client ID').fill('satchel');
	await page.getByRole('button', { name: 'Continue', exact: true }).click();
	await expect(page.getByRole('alert')).toContainText('This address is not secure');
	await look(page, 'select-refused');
	await page.getByLabel('FHIR base URL').fill('https://localhost:9/r4');
	await page.getByRole('button', { name: 'Continue', exact: true }).click();
	await expect(page.getByRole('heading', { name: 'Before you go' })).toBeVisible();
	await look(page, 'before');
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await expect(page.getByRole('alert')).toBeVisible();
	await look(page, 'before-error');
});

test(`${HARD}: connections in every state`, async ({ page, context, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	await expect(page.getByText(`${HARBOR} is connected.`)).toBeVisible();
	await look(page, 'connections-new');
	await connect(page, { provider: 'Summit', username: 'linnea' });
	// It was asked for tokens a moment ago, so it is tested by a read.
	stack.sandbox.faults.add({ system: 'summit', match: { endpoint: 'fhir' }, action: { status: 503 } });
	await card(page, SUMMIT).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, SUMMIT)).toContainText('Could not be checked, since');
	stack.sandbox.faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await connect(page, { provider: 'Riverbend', username: 'camila' });
	await look(page, 'connections');
	await card(page, SUMMIT).getByRole('button', { name: 'Remove' }).click();
	await expect(page.getByRole('dialog')).toBeVisible();
	await look(page, 'dialog-remove');
	await page.keyboard.press('Escape');
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await expect(page.getByRole('dialog')).toBeVisible();
	await look(page, 'dialog-clear');
	await page.keyboard.press('Escape');
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await page.locator('input[name=username]').fill('camila');
	await page.locator('input[name=password]').fill('sandbox');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('button', { name: 'Deny' }).click();
	await page.waitForURL('**/connections');
	await expect(page.getByRole('alert')).toBeVisible();
	await look(page, 'connections-denied');
	await page.goto('/');
	await expect(page.getByRole('link', { name: 'My connections' })).toBeVisible();
	await look(page, 'home-connected');
	await context.setOffline(true);
	await page.goto('/connections');
	await expect(page.getByText('You are offline.')).toBeVisible();
	await look(page, 'connections-offline');
});

test(`${HARD}: collecting`, async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	stack.sandbox.faults.expire('summit');
	await card(page, SUMMIT).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, SUMMIT)).toContainText('Connection expired');
	await page.goto('/collect');
	await include(page, HARBOR).check();
	await look(page, 'collect');
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Procedure' }, action: { status: 500 } });
	await page.getByRole('button', { name: 'Collect Records' }).click();
	await expect(page.getByRole('heading', { name: 'Your records are ready' })).toBeVisible({ timeout: 45_000 });
	await page.getByText('Technical details').click();
	await look(page, 'collect-done');
	await page.getByRole('button', { name: 'Delete this zip' }).click();
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { hang: true } });
	await include(page, HARBOR).check();
	await page.getByRole('button', { name: 'Collect Records' }).click();
	await expect(page.getByText('Document contents').first()).toBeVisible();
	await look(page, 'collect-progress');
});

test(`${HARD}: a copy on this device, and choosing between it and the provider`, async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page
		.getByRole('link', { name: /^Records on this device/ })
		.first()
		.click();
	const keep = page.getByRole('button', { name: 'Keep a copy on this device' });
	await expect(keep).toBeVisible();
	await look(page, 'records-off');
	const hanging = stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { hang: true } });
	await keep.click();
	await expect(page.getByText(/^[\d,]+ records so far/)).toBeVisible();
	await look(page, 'records-reading');
	await page.getByRole('button', { name: 'Stop' }).click();
	hanging();
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Procedure' }, action: { status: 500 } });
	await page.getByRole('button', { name: 'Update now' }).click();
	await expect(page.getByText('Brought up to date just now')).toBeVisible({ timeout: 45_000 });
	await expect(page.getByRole('row', { name: /^Procedures/ })).toContainText('Could not be read');
	await look(page, 'records');
	await page.goto('/settings');
	await expect(page.getByText('from moments ago')).toBeVisible();
	await look(page, 'settings-copies');
	await page.goto((await (await agent()).link()).url);
	await include(page, HARBOR).check();
	await expect(page.getByText('(by the copy from moments ago)')).toBeVisible();
	await look(page, 'session-copy');
	stack.sandbox.faults.expire('harbor');
	await page.goto('/connections');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await page.getByRole('link', { name: /^Records on this device/ }).click();
	await expect(page.getByText('Access has ended')).toBeVisible();
	await look(page, 'records-expired');
	await page.getByRole('button', { name: 'Delete the copy' }).click();
	await expect(page.getByRole('dialog')).toBeVisible();
	await look(page, 'dialog-copy');
});

test(`${HARD}: a session from its link to its end`, async ({ page, stack, agent }) => {
	const asking = await agent({
		who: 'Visit helper',
		why: 'To prepare for a visit with Dr. Vance on Tuesday',
		wants: 'Observation,MedicationRequest,DiagnosticReport',
	});
	await page.goto((await asking.link()).url);
	await expect(page.getByText('You have no connections yet.')).toBeVisible();
	await look(page, 'session-empty');
	await connectInSession(page, { provider: 'Harbor', username: 'camila' });
	await look(page, 'session-new');
	await keepIt(page);
	await connectInSession(page, { provider: 'Summit', username: 'linnea' });
	await include(page, SUMMIT).uncheck();
	await look(page, 'session-chosen');
	const failing = stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { status: 403 } });
	await send(page);
	await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
	await look(page, 'session-failed');
	failing();
	await page.getByRole('button', { name: 'Try again' }).click();
	await expectSent(page);
	await look(page, 'session-done');

	await page.goto((await (await agent()).link()).url);
	await include(page, HARBOR).check();
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { hang: true } });
	await send(page);
	await expect(page.getByText('Document contents').first()).toBeVisible();
	await look(page, 'session-progress');
	await page.getByRole('button', { name: 'Cancel' }).click();
	await expect(page.getByRole('heading', { name: 'Sending was cancelled' })).toBeVisible();
	await look(page, 'session-cancelled');
});

test(`${HARD}: links that do not work, and browsers that cannot`, async ({ page, browser, stack, agent }) => {
	const asking = await agent();
	const { url } = await asking.link();
	const sid = new URL(url).pathname;
	for (const [name, link, title] of [
		['incomplete', `${sid}#1.abc`, 'The link is not complete'],
		['unsafe', url.replace(/#1\.[^.]+/, `#1.${'A'.repeat(43)}`), 'The link is not safe'],
		['unknown', url.replace(sid, '/connect/AAAAAAAAAAAAAAAAAAAAAA'), 'This session cannot be found'],
	] as const) {
		await page.goto('about:blank');
		await page.goto(link);
		await expect(page.getByRole('heading', { name: title })).toBeVisible();
		await look(page, `error-${name}`);
	}
	const other = await another(browser, stack.origin);
	const first = await other.newPage();
	await first.goto(url);
	await expect(first.getByRole('heading', { name: 'Test assistant asks for your health records' })).toBeVisible();
	await page.goto(url);
	await expect(page.getByRole('heading', { name: 'Somebody else opened this link first' })).toBeVisible();
	await look(page, 'error-claimed');
	await page.context().route('**/api/sessions/**', (route) => route.abort());
	await page.goto((await (await agent()).link()).url);
	await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
	await look(page, 'error-unreachable');
	await other.close();

	const blocked = await browser.newContext({ baseURL: stack.origin });
	await blocked.addInitScript(() => Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined }));
	const bare = await blocked.newPage();
	await bare.goto('/connections');
	await expect(bare.getByRole('heading', { name: 'Satchel cannot start in this browser' })).toBeVisible();
	await look(bare, 'error-no-worker');
	await bare.goto('/connect/callback?code=none&state=none');
	await expect(bare.getByRole('heading', { name: 'The sign-in could not be finished' })).toBeVisible();
	await look(bare, 'callback');
	await blocked.close();
});

test('the keyboard alone is enough, from the link to "Data sent", and the focus is always seen', async ({
	page,
	agent,
}) => {
	const asking = await agent();
	const press = page.keyboard;
	await page.goto((await asking.link()).url);
	await tabTo(page, page.getByRole('link', { name: 'Connect a Health Provider' }));
	await press.press('Enter');
	await tabTo(page, page.getByRole('searchbox'));
	await press.type('Harbor');
	await expect(page.getByText('1 found')).toBeVisible();
	await tabTo(page, page.getByRole('button', { name: new RegExp(HARBOR) }));
	await press.press('Enter');
	await tabTo(page, page.getByRole('button', { name: /^Continue to/ }));
	await press.press('Enter');
	await expect(page.locator('input[name=username]')).toBeFocused();
	await press.type('camila');
	await tabTo(page, page.locator('input[name=password]'));
	await press.type('sandbox');
	await press.press('Enter');
	await tabTo(page, page.locator('[name=duration]'));
	await press.press('ArrowDown');
	await tabTo(page, page.getByRole('button', { name: 'Allow access' }));
	await press.press('Enter');
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	// What was just connected is included; it can be taken out and in again.
	await tabTo(page, include(page, HARBOR));
	await expect(include(page, HARBOR)).toBeChecked();
	await press.press('Space');
	await expect(include(page, HARBOR)).not.toBeChecked();
	await press.press('Space');
	await expect(include(page, HARBOR)).toBeChecked();
	const clear = page.getByRole('radio', { name: 'Clear everything after sending' });
	await tabTo(page, page.getByRole('radio', { name: 'Keep this connection for later' }));
	await press.press('ArrowDown');
	await expect(clear).toBeChecked();
	await tabTo(page, page.getByRole('button', { name: 'Send Selected to AI' }));
	await press.press('Enter');
	await expectSent(page);
	// A screen reader is at the start of what came of it.
	await expect(page.locator('main')).toBeFocused();
	expect(await asking.exitCode()).toBe(0);
	await tabTo(page, page.getByRole('link', { name: 'Your connections' }));
	await press.press('Enter');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
});

test('a dialog holds the focus, Escape changes nothing, and the focus returns to where it was', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const remove = card(page, HARBOR).getByRole('button', { name: 'Remove' });
	await tabTo(page, remove);
	await page.keyboard.press('Enter');
	const dialog = page.getByRole('dialog', { name: `Remove ${HARBOR}?` });
	await expect(dialog).toBeVisible();
	await tabTo(page, dialog.getByRole('button', { name: 'Remove' }));
	await page.keyboard.press('Escape');
	await expect(dialog).toBeHidden();
	await expect(remove).toBeFocused();
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('good news goes once the person does something else, and is told once', async ({ page, agent }) => {
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await page.getByRole('link', { name: 'Connect a Health Provider' }).click();
	await chooseProvider(page, { provider: 'Harbor', username: 'camila' });
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	const news = page.getByText(`${HARBOR} is connected.`);
	await expect(news).toBeVisible();
	await keepIt(page);
	await expect(news).toBeHidden();
	await send(page);
	await expect(page.getByRole('heading', { name: SENT })).toBeVisible({ timeout: 45_000 });
	await page.goto('/connections');
	await expect(card(page, HARBOR)).toBeVisible();
	await expect(news).toBeHidden();
});
