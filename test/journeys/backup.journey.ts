/** Moving to another browser: an encrypted file, the rest of the one browser and the going on of the other. */
import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { look } from './looks.js';
import { another, card, confirm, expectError, keepCopy } from './person.js';
import { everythingStored, found, rowKinds } from './store.js';
import { connect, expect, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const SUMMIT = 'Summit Regional';
const PASSPHRASE = 'violet anchor seventeen rivers';

/** In the settings, as far as the press of the button. */
async function makeBackup(page: Page, passphrase = PASSPHRASE): Promise<void> {
	await page.getByRole('button', { name: 'Make a backup' }).click();
	await page.getByLabel('Passphrase').first().fill(passphrase);
	await page.getByLabel('The same once more').fill(passphrase);
	await page.getByRole('button', { name: 'Make the file and hand over' }).click();
}

/** Makes a backup in the settings. @returns where the download lies */
async function backUp(page: Page, passphrase = PASSPHRASE): Promise<string> {
	await page.goto('/settings');
	const downloading = page.waitForEvent('download');
	await makeBackup(page, passphrase);
	const download = await downloading;
	expect(download.suggestedFilename()).toMatch(/^satchel-backup-\d{4}-\d\d-\d\d\.jwe$/);
	await expect(page.getByText('The backup is in your downloads')).toBeVisible();
	return download.path();
}

async function restore(page: Page, file: string, passphrase = PASSPHRASE): Promise<void> {
	await page.goto('/settings');
	await page.getByLabel('Backup file').setInputFiles({
		name: 'satchel-backup-2026-01-31.jwe',
		mimeType: 'application/jose',
		buffer: await readFile(file),
	});
	await expect(page.getByText('Nothing changes before you press “Restore”.')).toBeVisible();
	await page.getByLabel('Passphrase').last().fill(passphrase);
	await page.getByRole('button', { name: 'Restore', exact: true }).click();
}

test('connections move to another browser: there they go on, here they rest, and forgetting here ends no access', async ({
	page,
	browser,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await keepCopy(page, HARBOR);
	const file = await backUp(page);
	// A record is ten times that, also where it is packed.
	expect((await readFile(file)).length).toBeLessThan(20_000);
	const counts = () => ['harbor', 'summit'].map((system) => stack.sandbox.faults.counts(system));

	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'Handed over to a backup' })).toBeVisible();
	await expect(card(page, HARBOR).getByRole('button', { name: 'Refresh Now' })).toBeDisabled();
	const before = counts().map(({ refreshes }) => refreshes);

	const there = await another(browser, stack.origin);
	const other = await there.newPage();
	await restore(other, file, 'not the passphrase at all');
	await expectError(other, 'The backup does not open with this passphrase', 'Nothing was changed.');
	await other.getByLabel('Passphrase').last().fill(PASSPHRASE);
	await other.getByRole('button', { name: 'Restore', exact: true }).click();
	await expect(other.getByText('The backup was restored.')).toBeVisible();
	await other.getByRole('link', { name: 'Your connections' }).click();
	for (const [provider, patient] of [
		[HARBOR, 'Camila María Ibáñez'],
		[SUMMIT, 'Linnéa Åkerström'],
	] as const) {
		await expect(card(other, provider)).toContainText(patient);
		await expect(card(other, provider)).toContainText('Last refreshed just now');
		await expect(card(other, provider)).toContainText('Active');
	}
	await expect(card(other, HARBOR)).toContainText(/Expires .* \((89|90) days left\)/);
	// The copy stays where it is; none is begun where nobody asked for one.
	await expect(card(other, HARBOR)).not.toContainText('Copy from');
	expect(await rowKinds(other)).not.toContain('copy');
	await expect.poll(() => counts().map(({ refreshes }) => refreshes)).toEqual(before.map((n) => n + 1));

	await page.reload();
	await page.getByRole('button', { name: 'Forget here' }).click();
	await confirm(page, 'Forget here');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	expect(await rowKinds(page)).toEqual([]);
	await card(other, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(other.getByText(`${HARBOR} was checked just now.`)).toBeVisible();
	for (const { replays, familiesRevoked, requests } of counts()) {
		expect({ replays, familiesRevoked, revoke: requests.revoke }).toEqual({
			replays: 0,
			familiesRevoked: 0,
			revoke: undefined,
		});
	}
	await there.close();
});

test('page script cannot fetch the file, a navigation gets it once, and nothing in it can be read', async ({
	page,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto('/settings');
	// Held back here, so that the file is still there to be asked for.
	await page.evaluate(() => {
		const scope = window as typeof window & {
			wanted: string;
			navigation: EventTarget;
		};
		scope.navigation.addEventListener('navigate', (event) => {
			scope.wanted = (event as Event & { destination: { url: string } }).destination.url;
			event.preventDefault();
		});
	});
	await makeBackup(page);
	await expect(page.getByText('The backup is in your downloads')).toBeVisible();
	const url = await page.evaluate(() => (window as typeof window & { wanted: string }).wanted);
	expect(new URL(url).pathname).toMatch(/^\/settings\/backup\/[\w-]{36}$/);
	const got = await page.evaluate(async (address) => {
		const ways: RequestInit[] = [{}, { mode: 'same-origin' }, { headers: { Accept: 'text/html' } }];
		return Promise.all(ways.map(async (way) => (await fetch(address, way)).text()));
	}, url);
	expect(got.filter((text) => /^[\w-]+\.\./.test(text))).toEqual([]);

	const opened = await page.context().newPage();
	const downloading = opened.waitForEvent('download');
	await opened.goto(url).catch(() => {});
	const text = await readFile(await (await downloading).path(), 'utf8');
	expect(text).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
	await opened.goto(url);
	await expect(opened).toHaveURL('/settings');

	const secrets = {
		name: 'Camila',
		provider: HARBOR,
		patient: stack.sandbox.patientId('harbor', 'camila'),
		client: stack.sandbox.systems.find(({ id }) => id === 'harbor')?.clientId ?? '',
	};
	const parts = text.split('.').map((part) => Buffer.from(part, 'base64url'));
	for (const octets of [Buffer.from(text), ...parts]) expect(found(octets, secrets)).toEqual([]);
	for (const piece of await everythingStored(opened)) expect(found(piece, { file: text.slice(-60) })).toEqual([]);
});

test('going on here after a backup renews again, and says before what it means', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await backUp(page);
	await page.goto('/connections');
	await page.getByRole('button', { name: 'Go on here' }).click();
	await expect(page.getByRole('dialog')).toContainText('only if the backup was not restored anywhere');
	await confirm(page, 'Go on here');
	await expect(page.getByRole('heading', { name: 'Handed over to a backup' })).toHaveCount(0);
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(page.getByText(`${HARBOR} was checked just now.`)).toBeVisible();
	expect(stack.sandbox.faults.counts('harbor').replays).toBe(0);
});

test('a passphrase that is short, simple or mistyped makes no backup and says why', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Make a backup' }).click();
	const make = page.getByRole('button', { name: 'Make the file and hand over' });
	for (const [first, second, words] of [
		['short', 'short', 'Too short: at least 12 characters.'],
		['aaaaaaaaaaaaaaaa', 'aaaaaaaaaaaaaaaa', 'Too simple: too few different characters.'],
		[PASSPHRASE, 'violet anchor seventeen river', 'The two are not the same.'],
	] as const) {
		await page.getByLabel('Passphrase').first().fill(first);
		await page.getByLabel('The same once more').fill(second);
		await make.click();
		await expect(page.getByRole('alert').filter({ hasText: words })).toBeVisible();
	}
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'Handed over to a backup' })).toHaveCount(0);
});

test('a file that is no backup is refused in words', async ({ page }) => {
	await page.goto('/settings');
	const buffer = Buffer.from('{"resourceType":"Bundle"}');
	await page.getByLabel('Backup file').setInputFiles({ name: 'bundle.json', mimeType: 'application/json', buffer });
	await expectError(page, 'This is not a backup of Satchel', 'Nothing was changed.');
});

test('axe finds nothing, and at 200 % zoom nothing is cut off: moving', async ({ page, browser, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Make a backup' }).click();
	await expect(page.getByLabel('Passphrase').first()).toBeFocused();
	await look(page, 'backup-form');
	const file = await backUp(page);
	await look(page, 'backup-made');
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'Handed over to a backup' })).toBeVisible();
	await look(page, 'connections-paused');
	await page.getByRole('button', { name: 'Forget here' }).click();
	await expect(page.getByRole('dialog')).toBeVisible();
	await look(page, 'dialog-forget');
	const there = await another(browser, stack.origin);
	const other = await there.newPage();
	await restore(other, file, 'not the passphrase at all');
	await expectError(other, 'The backup does not open with this passphrase', 'Nothing was changed.');
	await look(other, 'restore-wrong');
	await other.getByLabel('Passphrase').last().fill(PASSPHRASE);
	await other.getByRole('button', { name: 'Restore', exact: true }).click();
	await expect(other.getByText('The backup was restored.')).toBeVisible();
	await look(other, 'restore-done');
	await there.close();
});
