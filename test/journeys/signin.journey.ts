/** Sign-ins that go wrong: a clear sentence, nothing connected by them, nothing lost. */
import type { Page } from '@playwright/test';
import { card, expectError } from './person.js';
import { chooseProvider, connect, expect, signIn, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

/** Goes as far as the page before the redirect and asks to go on. */
async function depart(page: Page, provider: string): Promise<void> {
	await page.goto('/connections/select');
	await page.getByRole('searchbox').fill(provider);
	await page.getByRole('button', { name: new RegExp(provider) }).click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
}

async function expectNothingConnected(page: Page): Promise<void> {
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
}

test('a callback that is replayed connects nothing and leaves the connection as it was', async ({ page, stack }) => {
	let callback = '';
	page.on('request', (request) => {
		if (request.url().includes('/connect/callback')) callback = request.url();
	});
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const { requests } = stack.sandbox.faults.counts('harbor');
	const tokens = requests.token;
	await page.goto(callback);
	await page.waitForURL('**/connections');
	await expectError(
		page,
		'This sign-in was not started here, or is too old',
		'It may have been used already. Nothing was connected by it. Start again from here.',
	);
	expect(requests.token).toBe(tokens);
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('a callback with a state that was never made here connects nothing', async ({ page }) => {
	await page.goto('/connections');
	await page.goto(`/connect/callback?code=abc&state=${'s'.repeat(43)}`);
	await page.waitForURL('**/connections');
	await expectError(page, 'This sign-in was not started here, or is too old', 'Nothing was connected by it.');
	await expectNothingConnected(page);
});

test('an answer from another issuer is not used', async ({ page, stack }) => {
	stack.sandbox.faults.add({ match: { endpoint: 'authorize' }, action: { iss: 'https://issuer.example' } });
	await depart(page, 'Harbor');
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expectError(page, `${HARBOR}: The answer came from another server`, 'so it was not used');
	// Only the look before the redirect reached the token endpoint.
	expect(stack.sandbox.faults.counts('harbor').requests.token).toBe(1);
	await expectNothingConnected(page);
});

test('somebody who denies access is told so and can try again at once', async ({ page }) => {
	await depart(page, 'Harbor');
	await page.locator('input[name=username]').fill('camila');
	await page.locator('input[name=password]').fill('sandbox');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('button', { name: 'Deny' }).click();
	await page.waitForURL('**/connections');
	await expectError(
		page,
		`${HARBOR}: Access was not given`,
		'Nothing has changed here, and you can try again at any time.',
	);
	await connect(page, { provider: 'Harbor', username: 'camila' });
});

for (const [what, action, title] of [
	['a web page', { html: true }, 'The sign-in details of this server cannot be read'],
	['404', { status: 404 }, 'No sign-in was found at this address'],
	['5 MB', { huge: 5_000_000 }, 'The sign-in details of this server are too large'],
	['redirects in a circle', { redirectLoop: true }, 'This address leads in circles'],
	['503', { status: 503 }, 'The provider is not available right now'],
] as const) {
	test(`discovery that answers ${what} is explained before anybody leaves`, async ({ page, stack }) => {
		for (const endpoint of ['discovery', 'metadata'] as const) {
			stack.sandbox.faults.add({ system: 'harbor', match: { endpoint }, action });
		}
		await depart(page, 'Harbor');
		await expect(page.getByRole('alert')).toContainText(title);
		await expect(page).toHaveURL('/connections/select');
		stack.sandbox.faults.reset();
		await page.getByRole('button', { name: /^Continue to/ }).click();
		await signIn(page, 'camila');
		await page.waitForURL('**/connections');
		await expect(card(page, HARBOR)).toContainText('Active');
	});
}

test('a server whose discovery document is missing is found by its capability statement', async ({ page, stack }) => {
	stack.sandbox.faults.add({ system: 'harbor', match: { endpoint: 'discovery' }, action: { status: 404 } });
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await expect(card(page, HARBOR)).toContainText('Camila María Ibáñez');
});

test('a provider without CORS is named as such before anybody leaves', async ({ page }) => {
	await depart(page, 'Walled');
	await expect(page.getByRole('alert')).toContainText('This provider does not talk to browsers');
	await expect(page.getByRole('button', { name: /^Continue to/ })).toHaveCount(0);
	await page.getByRole('button', { name: 'Choose another provider' }).click();
	await chooseProvider(page, { provider: 'Harbor', username: 'camila' });
	await page.waitForURL('**/connections');
	await expect(card(page, HARBOR)).toContainText('Active');
});

test('a token endpoint without CORS is found out before anybody leaves', async ({ page, stack }) => {
	stack.sandbox.faults.add({ system: 'harbor', match: { endpoint: 'token' }, action: { dropCors: true } });
	await depart(page, 'Harbor');
	await expect(page.getByRole('alert')).toContainText('This provider does not talk to browsers');
	await expect(page).toHaveURL('/connections/select');
});

for (const [what, given] of [
	['https', 'http://ehr.example/fhir'],
	['a web address', 'ehr.example'],
] as const) {
	test(`an address typed in that is not ${what} is refused with the reason`, async ({ page }) => {
		await page.goto('/connections/select');
		await page.getByText('Use another FHIR server').click();
		await page.getByLabel('FHIR base URL').fill(given);
		await page.getByLabel('Client ID').fill('some-client');
		await page.getByRole('button', { name: 'Continue', exact: true }).click();
		const title = what === 'https' ? 'This address is not secure' : 'This is not a web address';
		await expect(page.getByRole('alert')).toContainText(title);
		await expect(page.getByLabel('FHIR base URL')).toBeFocused();
	});
}

test('a token response that names no patient connects nothing', async ({ page, stack }) => {
	stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { tokenPatch: { patient: null } } });
	await depart(page, 'Harbor');
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expectError(page, `${HARBOR}: The provider did not say whose records these are`, 'choose a patient');
	await expectNothingConnected(page);
});

test('without a refresh token the card says when access ends and why', async ({ page }) => {
	await connect(page, { provider: 'Riverbend', username: 'camila' });
	await expect(card(page, /Riverbend/)).toContainText(/Ends .*; this provider does not allow longer access/);
	await expect(card(page, /Riverbend/)).toContainText('Active');
});

test('a refresh that answers for another patient ends the connection and says so', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const other = stack.sandbox.patientId('harbor', 'linnea');
	stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { tokenPatch: { patient: other } } });
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await expect(card(page, HARBOR)).toContainText('Nothing of the other patient was kept.');
	await expect(card(page, HARBOR)).toContainText('Camila María Ibáñez');
	stack.sandbox.faults.reset();
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expect(card(page, HARBOR)).toContainText('Active');
	await expect(card(page, HARBOR)).not.toContainText('another patient');
});

for (const [what, value] of [
	['missing', null],
	['negative', -5],
	['a string', '3600'],
	['nonsense', 'soon'],
] as const) {
	test(`expires_in that is ${what} does not keep a connection from working`, async ({ page, stack }) => {
		stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { tokenPatch: { expires_in: value } } });
		await connect(page, { provider: 'Harbor', username: 'camila' });
		await page.reload();
		await expect(card(page, HARBOR)).toContainText('Active');
		await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
		await expect.poll(() => stack.sandbox.faults.counts('harbor').refreshes).toBeGreaterThan(0);
		await expect(card(page, HARBOR)).toContainText('Active');
		await expect(card(page, HARBOR)).not.toContainText('Could not be checked');
	});
}
