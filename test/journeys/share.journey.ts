import { chooseProvider, connect, expect, identities, test } from './support.js';

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
	const held = [...stack.sandbox.resources('harbor', 'camila')];
	const got = await asking.lines();
	expect(identities(got.filter((line) => !line.startsWith('{"resourceType":"Binary"'))).length).toBeGreaterThan(100);
	expect(identities(got)).toEqual(held.map(({ type, id }) => `${type}/${id}`).sort());
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
