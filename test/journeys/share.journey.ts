import { card, connectInSession, expectSent, include, keepIt, send } from './person.js';
import { expectEqual } from './records.js';
import { chooseProvider, connect, expect, test } from './support.js';

test('a first connection: from a link to records at the agent', async ({ page, stack, agent }) => {
	const asking = await agent({ who: 'Visit helper', why: 'To prepare for a visit' });
	const { url, code } = await asking.link();
	await page.goto(url);
	await expect(page.getByText('Visit helper')).toBeVisible();
	await expect(page.getByText('To prepare for a visit')).toBeVisible();
	await expect(page.getByText(code)).toBeVisible();
	expect(page.url()).not.toContain('#');
	await page.getByRole('link', { name: 'Connect a Health Provider' }).click();
	await chooseProvider(page, { provider: 'Harbor', username: 'camila' });
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	await expect(page.getByRole('checkbox', { name: /Include in this session/ })).toBeChecked();
	await page.getByRole('radio', { name: /Keep this connection for later/ }).check();
	await page.getByRole('button', { name: 'Send Selected to AI' }).click();
	await expect(page.getByText('Data sent. You can close this window.')).toBeVisible();

	const done = await asking.event('done');
	expect(await asking.exitCode()).toBe(0);
	expect(done.sources).toMatchObject([{ failed: [] }]);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('a kept connection is shared again without a redirect', async ({ page, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'linnea' });
	const asking = await agent();
	const visited: string[] = [];
	page.on('framenavigated', (frame) => visited.push(new URL(frame.url()).origin));
	await page.goto((await asking.link()).url);
	const include = page.getByRole('checkbox', { name: /Include in this session/ });
	await expect(include).not.toBeChecked();
	await include.check();
	await page.getByRole('button', { name: 'Send Selected to AI' }).click();
	await expect(page.getByText('Data sent. You can close this window.')).toBeVisible();
	await asking.event('done');
	expect(new Set(visited).size).toBe(1);
});

test('kept connections survive a restart of the browser and are shared without a sign-in', async ({
	profile,
	stack,
	agent,
}) => {
	const first = await profile.open();
	await connect(await first.newPage(), { provider: 'Harbor', username: 'linnea' });
	await first.close();
	const context = await profile.open();
	const page = await context.newPage();
	const origins = new Set<string>();
	page.on('framenavigated', (frame) => origins.add(new URL(frame.url()).origin));
	await page.goto('/connections');
	await expect(card(page, 'Harbor Medical Group')).toContainText('Linnéa Åkerström');
	await expect(card(page, 'Harbor Medical Group')).toContainText('Active');
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, 'Harbor Medical Group').check();
	await send(page);
	await expectSent(page);
	await asking.event('done');
	// Nothing in this record refers to the Medication that it has.
	expectEqual(await asking.lines(), stack, [['harbor', 'linnea', ['Medication']]]);
	expect([...origins]).toEqual([stack.origin]);
});

test('a saved and a new connection go in one session, and the trip loses no choice', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await connect(page, { provider: 'Meridian', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, 'Summit Regional').check();
	await connectInSession(page, { provider: 'Harbor', username: 'camila' });
	await expect(include(page, 'Summit Regional')).toBeChecked();
	await expect(include(page, 'Meridian Physicians')).not.toBeChecked();
	await keepIt(page);
	// The choice is the worker's to remember, not the page's.
	await page.reload();
	await expect(include(page, 'Summit Regional')).toBeChecked();
	await expect(include(page, 'Harbor Medical Group')).toBeChecked();
	await send(page);
	await expectSent(page);
	const done = await asking.event('done');
	expect(done.sources).toMatchObject([{ folder: '01-summit-regional' }, { folder: '02-harbor-medical-group' }]);
	expectEqual(await asking.lines(), stack, [
		['summit', 'linnea', ['RelatedPerson']],
		['harbor', 'camila'],
	]);
	expect(await asking.exitCode()).toBe(0);
});
