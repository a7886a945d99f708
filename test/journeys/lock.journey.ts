/** The lock: who can open the wallet, when it asks, and what becomes of whatever comes while it is locked. */
import type { CDPSession, Locator, Page } from '@playwright/test';
import { look, tabTo } from './looks.js';
import { card, confirm, expectSent, include, keepCopy, send } from './person.js';
import { expectEqual } from './records.js';
import { everythingStored, found, rowKinds } from './store.js';
import { connect, expect, killWorker, signIn, test } from './support.js';

interface Authenticator {
	/** Whether the person touches it; else the browser waits until it gives up. */
	touch(is: boolean): Promise<void>;
	/** Whether it recognises the person. */
	recognise(is: boolean): Promise<void>;
	/** How many passkeys are on it. */
	passkeys(): Promise<number>;
}

/** What is built into a device: fingerprint or face, one for each page. */
async function authenticator(page: Page, { prf = true } = {}): Promise<Authenticator> {
	const cdp: CDPSession = await page.context().newCDPSession(page);
	await cdp.send('WebAuthn.enable');
	const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			protocol: 'ctap2',
			ctap2Version: 'ctap2_1',
			transport: 'internal',
			hasResidentKey: true,
			hasUserVerification: true,
			hasPrf: prf,
			isUserVerified: true,
			automaticPresenceSimulation: true,
		},
	});
	return {
		touch: (enabled) =>
			cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }).then(() => {}),
		recognise: (isUserVerified) =>
			cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }).then(() => {}),
		passkeys: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
	};
}

const HARBOR = 'Harbor Medical Group';
const lockedTitle = (page: Page): Locator => page.getByRole('heading', { name: 'Satchel is locked' });
const unlockButton = (page: Page): Locator => page.getByRole('button', { name: 'Unlock' });

/** From wherever the page is, without loading it anew: its key would be gone. */
async function follow(page: Page, name: string): Promise<void> {
	await page.getByRole('navigation').getByRole('link', { name }).click();
}

/** From a page of its own: a developer tool that leaves a page takes the authenticator along. */
async function endWorker(page: Page): Promise<void> {
	const helper = await page.context().newPage();
	await helper.goto('/callback.css');
	await killWorker(helper);
	await helper.close();
	await page.bringToFront();
}

/** The last tab with the key is gone, and the worker some time after it. */
async function closeAndComeBack(page: Page, to: string): Promise<void> {
	await page.goto('/callback.css');
	await endWorker(page);
	await page.goto(to);
}

async function lockIt(page: Page): Promise<void> {
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Lock with a passkey' }).click();
	await expect(page.getByText('The lock is on.')).toBeVisible();
}

async function unlock(page: Page): Promise<void> {
	await expect(lockedTitle(page)).toBeVisible();
	await unlockButton(page).click();
	await expect(lockedTitle(page)).toBeHidden();
}

test('with the lock on, a page opens the wallet for the next worker by itself', async ({ page }) => {
	const passkey = await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	expect(await passkey.passkeys()).toBe(1);
	// From here on nobody can be asked.
	await passkey.touch(false);
	await endWorker(page);
	await follow(page, 'Connections');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(page.getByText(`${HARBOR} was checked just now.`)).toBeAttached();
	await endWorker(page);
	await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await expect(card(page, HARBOR)).toBeVisible();
	await expect(lockedTitle(page)).toBeHidden();
});

test('after the last tab is closed the passkey opens the wallet, also offline, and nothing else does', async ({
	page,
	context,
}) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await closeAndComeBack(page, '/connections');
	await context.setOffline(true);
	await page.reload();
	await expect(lockedTitle(page)).toBeVisible();
	await expect(card(page, HARBOR)).toHaveCount(0);
	await unlock(page);
	await expect(card(page, HARBOR)).toBeVisible();
	await context.setOffline(false);
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(page.getByText(`${HARBOR} was checked just now.`)).toBeAttached();
});

test('a copy is locked with the wallet, and opens with it', async ({ page, stack, agent }) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	await lockIt(page);
	await page.getByRole('button', { name: 'Lock now' }).click();
	await expect(lockedTitle(page)).toBeVisible();
	expect(await rowKinds(page)).toEqual(expect.arrayContaining(['copy', 'part']));
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await unlock(page);
	// Nothing but the copy is to be had.
	stack.sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 503 } });
	await include(page, HARBOR).check();
	await page.getByRole('radio', { name: /^Use the copy from/ }).check();
	await send(page);
	await expectSent(page);
	expect(await asking.exitCode()).toBe(0);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('Lock now locks every tab, and none opens the wallet by itself', async ({ page, context }) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	const other = await context.newPage();
	await other.goto('/connections');
	await expect(card(other, HARBOR)).toBeVisible();
	await page.getByRole('button', { name: 'Lock now' }).click();
	for (const tab of [page, other]) await expect(lockedTitle(tab)).toBeVisible();
	await endWorker(page);
	await other.reload();
	await expect(lockedTitle(other)).toBeVisible();
	await expect(unlockButton(other)).toBeEnabled();
	await page.bringToFront();
	await unlock(page);
	await expect(page.getByRole('button', { name: 'Lock now' })).toBeVisible();
	// The tab that has no key is open with the others, and asks them when a new worker knows nothing.
	await expect(card(other, HARBOR)).toBeVisible();
	await endWorker(page);
	await other.reload();
	await expect(card(other, HARBOR)).toBeVisible();
});

test('a sign-in that comes back to a locked wallet is finished after unlocking, and nothing of it is legible before', async ({
	page,
	stack,
}) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await follow(page, 'Connections');
	await page.getByRole('link', { name: 'Connect a Health Provider' }).first().click();
	await page.getByRole('searchbox').fill('Summit');
	await page
		.getByRole('button', { name: /Summit/ })
		.first()
		.click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await page.locator('input[name=username]').waitFor();
	// Whoever types a password takes longer than a browser keeps an idle worker.
	await endWorker(page);
	const answers: string[] = [];
	page.on('request', (request) => {
		if (request.url().includes('/connect/callback?')) answers.push(request.url());
	});
	await signIn(page, 'camila');
	await expect(lockedTitle(page)).toBeVisible();
	expect(page.url()).toBe(`${stack.origin}/connections`);
	expect(await rowKinds(page)).toContain('parked');
	const query = new URL(answers[0] ?? '').searchParams;
	const secrets = { code: query.get('code') ?? '', state: query.get('state') ?? '' };
	expect(secrets.code).not.toBe('');
	const stored = await everythingStored(page);
	expect(stored.flatMap((piece) => found(piece, secrets))).toEqual([]);
	await unlock(page);
	await expect(card(page, 'Summit Regional')).toBeVisible();
	await expect(card(page, HARBOR)).toBeVisible();
	await expect(page.getByText(/Summit Regional.* (is connected|connected)/).first()).toBeVisible();
	expect(await rowKinds(page)).not.toContain('parked');
});

test('a session link that is opened while locked goes on after unlocking, its secret kept, and so does a sign-in for it', async ({
	page,
	agent,
}) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	const asking = await agent();
	const { url, code } = await asking.link();
	await closeAndComeBack(page, url);
	await expect(lockedTitle(page)).toBeVisible();
	expect(page.url()).not.toContain('#');
	await unlock(page);
	await expect(page.getByText(code)).toBeVisible();
	await include(page, HARBOR).check();
	await page.getByRole('link', { name: /^Connect (a Health|Another) Provider$/ }).click();
	await page.getByRole('searchbox').fill('Summit');
	await page
		.getByRole('button', { name: /Summit/ })
		.first()
		.click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await page.locator('input[name=username]').waitFor();
	await endWorker(page);
	await signIn(page, 'camila');
	await unlock(page);
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	await expect(include(page, /Summit/)).toBeChecked();
	await expect(include(page, HARBOR)).toBeChecked();
});

test('while the wallet is locked, no key that opens it and no token is readable in the browser', async ({
	page,
	stack,
}) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await page.getByRole('button', { name: 'Lock now' }).click();
	await expect(lockedTitle(page)).toBeVisible();
	const stored = await everythingStored(page);
	const secrets = {
		'a key': 'extractable: ',
		'the patient': stack.sandbox.patientId('harbor', 'derrick'),
		id: 'Derrick',
	};
	expect(stored.flatMap((piece) => found(piece, secrets))).toEqual([]);
	expect(await rowKinds(page)).toContain('connection');
});

test('a passkey that cannot make a key is said to be of no use, and nothing changes', async ({ page }) => {
	await authenticator(page, { prf: false });
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Lock with a passkey' }).click();
	await expect(page.getByText('This browser cannot lock Satchel')).toBeVisible();
	await page.reload();
	await expect(page.getByRole('button', { name: 'Lock with a passkey' })).toBeVisible();
	await follow(page, 'Connections');
	await expect(card(page, HARBOR)).toBeVisible();
});

test('a passkey that is not given leaves the wallet without a lock', async ({ page }) => {
	const passkey = await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await passkey.recognise(false);
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Lock with a passkey' }).click();
	await expect(page.getByText('The passkey was not used')).toBeVisible();
	await expect(page.getByRole('button', { name: 'Lock with a passkey' })).toBeVisible();
	await closeAndComeBack(page, '/connections');
	await expect(card(page, HARBOR)).toBeVisible();
});

test('a passkey that is not given leaves the wallet locked', async ({ page }) => {
	const passkey = await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await page.getByRole('button', { name: 'Lock now' }).click();
	await passkey.recognise(false);
	await unlockButton(page).click();
	await expect(page.getByText('The passkey was not used')).toBeVisible();
	await expect(lockedTitle(page)).toBeVisible();
	await expect(unlockButton(page)).toBeEnabled();
});

test('who lost the passkey clears everything from the locked screen and begins anew', async ({ page }) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await page.getByRole('button', { name: 'Lock now' }).click();
	await page.getByText('I cannot unlock').click();
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Cancel');
	await expect(lockedTitle(page)).toBeVisible();
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	await expect(page.getByRole('button', { name: 'Lock with a passkey' })).toBeVisible();
	await connect(page, { provider: 'Summit', username: 'camila' });
	await expect(card(page, 'Summit Regional')).toBeVisible();
});

test('the lock turned off leaves a wallet that opens without the passkey', async ({ page }) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await lockIt(page);
	await page.getByRole('button', { name: 'Turn off the lock' }).click();
	await confirm(page, 'Turn off');
	await expect(page.getByText('The lock is off.')).toBeVisible();
	await closeAndComeBack(page, '/connections');
	await expect(card(page, HARBOR)).toBeVisible();
});

test('the screens of the lock can be read and used by everybody', async ({ page }) => {
	await authenticator(page);
	await connect(page, { provider: 'Harbor', username: 'derrick' });
	await page.goto('/settings');
	await expect(page.getByRole('button', { name: 'Lock with a passkey' })).toBeVisible();
	await look(page, 'settings-lock-off');
	await lockIt(page);
	await look(page, 'settings-lock-on');
	await page.getByRole('button', { name: 'Lock now' }).click();
	await expect(lockedTitle(page)).toBeVisible();
	await look(page, 'locked');
	await expect(page).toHaveTitle(/^Satchel is locked/);
	await page.getByText('I cannot unlock').click();
	await look(page, 'locked-cannot');
	await page.reload();
	await tabTo(page, unlockButton(page));
	await tabTo(page, page.getByText('I cannot unlock'));
	await page.keyboard.press('Enter');
	await tabTo(page, page.getByRole('button', { name: 'Clear All Connections' }));
	await page.keyboard.press('Enter');
	await expect(page.getByRole('dialog')).toBeVisible();
	await look(page, 'locked-clear');
	await page.keyboard.press('Escape');
	await unlockButton(page).focus();
	await page.keyboard.press('Enter');
	await expect(page.getByRole('button', { name: 'Lock now' })).toBeVisible();
	expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
});
