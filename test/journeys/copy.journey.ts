/** A copy on this device: turned on, used while the provider is away, brought up to date, and deleted. */
import type { Page } from '@playwright/test';
import { card, confirm, expectSent, include, keepCopy, openRecords, send } from './person.js';
import { expectEqual } from './records.js';
import { rowKinds } from './store.js';
import { connect, expect, type Stack, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const READ = { timeout: 45_000 };

function readings(page: Page) {
	return page.getByRole('region', { name: 'When it was read' }).getByRole('listitem');
}

/** A day or an outage long: nothing of the provider answers. */
function away(stack: Stack): void {
	stack.sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 503 } });
}

test('a copy is made, told kind by kind, and sent while the provider is away', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	const kinds = page.getByRole('region', { name: 'What the copy holds' });
	await expect(kinds.getByRole('row', { name: /^Lab results and vital signs [\d,]+ just now$/ })).toBeVisible();
	await expect(readings(page)).toContainText(/Read everything: [\d,]+ added/);
	await page.goto('/connections');
	await expect(card(page, HARBOR)).toContainText('Copy from moments ago');

	away(stack);
	const { requests } = stack.sandbox.faults.counts('harbor');
	const asked = requests.fhir ?? 0;
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await page.getByRole('radio', { name: 'Use the copy from moments ago' }).check();
	await expect(page.getByText(/^About [\d,]+ records, .* roughly .* AI tokens$/)).toBeVisible();
	await expect(page.getByText('(by the copy from moments ago)')).toBeVisible();
	await send(page);
	await expectSent(page);
	await expect(page.getByText('From the copy on this device, read just now')).toBeVisible();
	expect(await asking.exitCode()).toBe(0);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
	expect(stack.sandbox.faults.counts('harbor').requests.fhir ?? 0).toBe(asked);
});

test('an update tells what changed, and one that fails leaves the copy as it is', async ({ page, stack }) => {
	const record = stack.sandbox.records('harbor', 'camila');
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	record.put({ resourceType: 'Goal', id: 'walk', subject: record.patient, lifecycleStatus: 'active' });
	try {
		await page.getByRole('button', { name: 'Update now' }).click();
		await expect(readings(page)).toHaveCount(2, READ);
		await expect(readings(page).first()).toContainText(': 1 added');
	} finally {
		record.remove('Goal', 'walk');
	}
	stack.sandbox.faults.add({ system: 'harbor', match: { endpoint: 'fhir' }, action: { status: 403 } });
	await page.getByRole('button', { name: 'Update now' }).click();
	await expect(readings(page)).toHaveCount(3, READ);
	await expect(readings(page).first()).toContainText('Did not work; the copy stayed as it was.');
	await expect(page.getByRole('row', { name: /^Health goals 2 / })).toBeVisible();
});

test('a kind that cannot be read keeps what was there, and says from when it is', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	const allergies = page.getByRole('row', { name: /^Allergies/ });
	await expect(allergies).toHaveText(/^Allergies\d+just now$/);
	const before = await allergies.getByRole('cell').first().textContent();
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'AllergyIntolerance' }, action: { status: 500 } });
	await page.getByRole('button', { name: 'Update now' }).click();
	await expect(readings(page)).toHaveCount(2, READ);
	await expect(readings(page).first()).toContainText('some kinds could not be read');
	await expect(allergies).toContainText('Could not be read');
	expect(await allergies.getByRole('cell').first().textContent()).toBe(before);
});

test('where access has ended, the copy can still be sent, and is deleted only after a question', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	stack.sandbox.faults.expire('harbor');
	await page.goto('/connections');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await expect(page.getByText('Access has ended, so nothing new can be read.')).toBeVisible();
	await send(page);
	await expectSent(page);
	expect(await asking.exitCode()).toBe(0);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);

	await openRecords(page, HARBOR);
	await expect(page.getByRole('button', { name: 'Update now' })).toBeHidden();
	await page.getByRole('button', { name: 'Delete the copy' }).click();
	await confirm(page, 'Delete the copy');
	await expect(page.getByText('The copy was deleted')).toBeVisible();
	await expect(page.getByText('No copy is kept.')).toBeVisible();
});

test('the settings say what is proposed and how often copies are read, and one tap deletes a copy', async ({
	page,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	await page.goto('/settings');
	await page.getByRole('radio', { name: 'To use the copy' }).check();
	await page.getByRole('radio', { name: 'Every day' }).check();
	await expect(page.getByText('Saved.')).toBeVisible();
	await page.reload();
	await expect(page.getByRole('radio', { name: 'To use the copy' })).toBeChecked();
	await expect(page.getByRole('radio', { name: 'Every day' })).toBeChecked();
	await expect(page.getByText(/^[\d,]+ records, [\d.]+ [kM]B, from moments ago$/)).toBeVisible();

	await page.goto('/collect');
	await include(page, HARBOR).check();
	await expect(page.getByRole('radio', { name: 'Use the copy from moments ago' })).toBeChecked();

	await page.goto('/settings');
	await page.getByRole('link', { name: `Open the records of ${HARBOR} on this device` }).click();
	await page.getByRole('button', { name: 'Delete the copy' }).click();
	await expect(page.getByText('The copy was deleted')).toBeVisible();
	await expect
		.poll(async () => (await rowKinds(page)).filter((kind) => ['copy', 'index', 'part', 'chunk'].includes(kind)))
		.toEqual([]);
	await page.goto('/settings');
	await expect(page.getByText('No copy', { exact: true })).toBeVisible();
});
