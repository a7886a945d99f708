/** Links and sessions that are not as they should be: a clear sentence, and nothing is sent. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { another, card, expectError, expectSent, include, send } from './person.js';
import { connect, expect, type Stack, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const key = (letter: string) => letter.repeat(43);

async function opened(page: Page, url: string): Promise<void> {
	await page.goto('/');
	await page.goto(url);
}

for (const [what, fragment, title] of [
	['no secret part', '', 'The link is not complete'],
	['a missing part', `#1.${key('p')}`, 'The link is not complete'],
	['an empty part', `#1.${key('p')}.`, 'The link is not complete'],
	['a key that is all zero', `#1.${key('A')}.${key('s')}`, 'The link is not safe'],
	['a secret that is all zero', `#1.${key('4')}.${key('A')}`, 'The link is not safe'],
	['another version', `#2.${key('4')}.${key('s')}`, 'The link was made for another version'],
	['damage', '#1.short.shorter', 'The link is damaged'],
] as const) {
	test(`a link with ${what} is refused before anything is asked`, async ({ page, context }) => {
		const asked: string[] = [];
		context.on('request', (request) => {
			if (request.url().includes('/api/sessions/')) asked.push(request.url());
		});
		await opened(page, `/connect/${'a'.repeat(21)}A${fragment}`);
		await expect(page.getByRole('heading', { name: title })).toBeVisible();
		expect(page.url()).not.toContain('#');
		expect(asked).toEqual([]);
	});
}

test('a session that the relay does not know cannot be found', async ({ page, agent }) => {
	const { url } = await (await agent()).link();
	const unknown = new URL(url);
	const sid = unknown.pathname.slice('/connect/'.length);
	unknown.pathname = `/connect/${sid.slice(0, 10)}${sid[10] === 'x' ? 'y' : 'x'}${sid.slice(11)}`;
	await opened(page, unknown.href);
	await expectError(page, 'This session cannot be found', 'Ask your assistant for a new link.');
});

test('a session that has expired has ended, for the person and for the agent', async ({ page, agent }) => {
	const asking = await agent({ expires: 1 });
	const { url } = await asking.link();
	expect(await asking.exitCode()).toBe(4);
	await opened(page, url);
	await expectError(page, 'This session has ended', 'Nothing more can be sent to it.');
});

test('a link that somebody else opened first says so, and sends nothing from here', async ({
	page,
	browser,
	stack,
	agent,
}) => {
	const { url } = await (await agent()).link();
	await opened(page, url);
	await expect(page.getByRole('heading', { name: 'Choose what to include' })).toBeVisible();
	const other = await another(browser, stack.origin);
	const theirs = await other.newPage();
	await opened(theirs, url);
	await expectError(theirs, 'Somebody else opened this link first', 'Nothing was sent from here.');
	// The first one goes on as if nothing had been.
	await page.reload();
	await expect(page.getByRole('heading', { name: 'Choose what to include' })).toBeVisible();
	await other.close();
});

test('a session that is finished shows its end here, and is over everywhere else', async ({
	page,
	browser,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	const { url } = await asking.link();
	await page.goto(url);
	await include(page, HARBOR).check();
	await send(page);
	await expectSent(page);
	expect(await asking.exitCode()).toBe(0);
	await opened(page, url);
	await expectSent(page);
	await expect(page.getByText('Your saved connections stay in this browser, unchanged.')).toBeVisible();
	await page.goto('/connections');
	await expect(card(page, HARBOR)).toContainText('Active');
	const other = await another(browser, stack.origin);
	const theirs = await other.newPage();
	await opened(theirs, url);
	await expectError(theirs, 'This session has ended', 'Nothing more can be sent to it.');
	await other.close();
});

test('a session whose data is parked takes nothing more, from anybody', async ({ page, browser, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	const { url } = await asking.link();
	await page.goto(url);
	await include(page, HARBOR).check();
	// Nobody fetches what is sent.
	await asking.stop();
	await send(page);
	await expectSent(page);
	const other = await another(browser, stack.origin);
	const theirs = await other.newPage();
	await opened(theirs, url);
	await expectError(theirs, 'Data was already sent to this session', 'A session takes one delivery.');
	await other.close();
});

test('a session that ends between choosing and sending is told, and nothing is lost', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await endAtRelay(stack, page);
	await send(page);
	await expectError(page, 'This session cannot be found', 'Ask your assistant for a new link.');
	await page.goto('/connections');
	await expect(card(page, HARBOR)).toContainText('Active');
});

/** As if the relay had lost it: its folder is gone. */
async function endAtRelay(stack: Stack, page: Page): Promise<void> {
	await rm(join(stack.dataDir, 'sessions', page.url().split('/').at(-1) ?? ''), { recursive: true });
	await stack.restartRelay();
}

test('a request that was altered at the relay is not shown as if it were whole', async ({ page, stack, agent }) => {
	const { url } = await (await agent({ who: 'Visit helper' })).link();
	const path = join(stack.dataDir, 'sessions', new URL(url).pathname.split('/')[2] ?? '', 'session.json');
	const record = await readFile(path, 'utf8');
	const altered = record.replace(
		/("request":"[\w-]*\.[\w-]*\.[\w-]*\.)(.)/,
		(_, head, first) => head + (first === 'x' ? 'y' : 'x'),
	);
	expect(altered).not.toBe(record);
	await writeFile(path, altered);
	await stack.restartRelay();
	await opened(page, url);
	await expectError(page, 'The request cannot be read', 'Ask for a new link.');
	await expect(page.getByText('Visit helper')).toBeHidden();
});

test('what is pasted at the start opens the session, and what is no link is refused', async ({ page, agent }) => {
	const asking = await agent({ who: 'Visit helper' });
	await page.goto('/');
	await page.getByLabel('Session link').fill('https://somewhere.example/connect/abc');
	await page.getByRole('button', { name: 'Open link' }).click();
	await expect(page.getByRole('alert')).toContainText('This is not a session link.');
	await page.getByLabel('Session link').fill((await asking.link()).url);
	await page.getByRole('button', { name: 'Open link' }).click();
	await expect(page.getByRole('heading', { name: 'Visit helper asks for your health records' })).toBeVisible();
	expect(page.url()).not.toContain('#');
});
