/** What the wallet says it did, and how it reminds. */
import { readFile } from 'node:fs/promises';
import type { Download, Page, Worker } from '@playwright/test';
import { look, tabTo } from './looks.js';
import { card, confirm, expectSent, include, send } from './person.js';
import { found } from './store.js';
import { connect, expect, killWorker, type Stack, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const SUMMIT = 'Summit Regional';

/** What a test sees of the worker from inside: what token endpoints answered, and what the badge was set to. */
interface Seen {
	answers: string[];
	badges: (number | null)[];
}
type Watched = { seen: Seen; registration: ServiceWorkerRegistration };

/** Opens the app, and listens inside its worker from before anybody connects. */
async function watch(page: Page): Promise<Worker> {
	const context = page.context();
	const starting = context.serviceWorkers()[0] ?? context.waitForEvent('serviceworker');
	await page.goto('/connections');
	const worker = await starting;
	await worker.evaluate(() => {
		const scope = self as unknown as Watched;
		const seen: Seen = { answers: [], badges: [] };
		scope.seen = seen;
		const real = self.fetch;
		self.fetch = async (...request) => {
			const response = await real(...request);
			if (response.url.endsWith('/oauth/token') && response.ok) seen.answers.push(await response.clone().text());
			return response;
		};
		const noted = (count: number | null) => {
			seen.badges.push(count);
			return Promise.resolve();
		};
		Object.assign(navigator, { setAppBadge: noted, clearAppBadge: () => noted(null) });
	});
	return worker;
}

const seen = (worker: Worker) => worker.evaluate(() => (self as unknown as Watched).seen);

/** Tokens, patient ids and texts of records: nothing of it may be in a log. */
async function secrets(worker: Worker, stack: Stack, whose: [string, string][]): Promise<Record<string, string>> {
	const all: Record<string, string> = {};
	for (const [n, answer] of (await seen(worker)).answers.entries()) {
		const tokens = JSON.parse(answer) as Record<string, unknown>;
		for (const name of ['access_token', 'refresh_token', 'id_token', 'patient']) {
			if (tokens[name]) all[`${name} ${n}`] = String(tokens[name]);
		}
	}
	expect(Object.keys(all).filter((name) => name.startsWith('access_token')).length).toBeGreaterThan(1);
	for (const [system, username] of whose) {
		all[`patient id ${username}`] = stack.sandbox.patientId(system, username);
		for (const { type, id, text } of stack.sandbox.resources(system, username)) {
			all[`${type}/${id}`] = id;
			for (const [, display = ''] of text.matchAll(/"(?:display|family|text)":"([^"\\]{12,})"/g))
				all[display] = display;
		}
	}
	return all;
}

async function textOf(downloading: Promise<Download>): Promise<{ name: string; text: string }> {
	const download = await downloading;
	return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

const lines = (page: Page) => page.locator('.entry > div > p:first-child').allTextContents();

test('the activity tells what was done, newest first, and the file of it holds no token, patient or record', async ({
	page,
	stack,
	agent,
}) => {
	const worker = await watch(page);
	await page.goto('/activity');
	await expect(page.getByRole('heading', { name: 'Nothing has happened here yet' })).toBeVisible();
	await look(page, 'activity-empty');
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	const refresh = card(page, SUMMIT).getByRole('button', { name: 'Refresh Now' });
	for (const _ of [1, 2]) {
		await refresh.click();
		await expect(page.getByText(`${SUMMIT} was checked just now.`)).toBeVisible();
		await expect(refresh).toBeEnabled();
		await page.getByRole('link', { name: 'Home' }).click();
		await page.getByRole('link', { name: 'Connections', exact: true }).click();
	}
	// It was asked for tokens a moment ago, so it is tested by a read.
	const failing = stack.sandbox.faults.add({
		system: 'summit',
		match: { endpoint: 'fhir' },
		action: { status: 503 },
	});
	await refresh.click();
	await expect(card(page, SUMMIT)).toContainText('Could not be checked, since');
	failing();
	const asking = await agent({ who: 'Visit helper' });
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await send(page);
	await expectSent(page);
	await asking.event('done');
	await page.goto('/connections');
	await card(page, SUMMIT).getByRole('button', { name: 'Remove' }).click();
	await confirm(page, 'Remove');
	await expect(page.getByText(`${SUMMIT} was removed.`)).toBeVisible();

	await page.getByRole('link', { name: 'Settings' }).click();
	await page.getByRole('link', { name: 'See the activity' }).click();
	await expect(page.getByRole('heading', { name: 'Today' })).toBeVisible();
	const told = await lines(page);
	const count = (await asking.lines()).filter((line) => JSON.parse(line).resourceType !== 'OperationOutcome').length;
	expect(told[0]).toBe(`Removed ${SUMMIT}`);
	expect(told.find((line) => line.startsWith('Sent'))).toBe(
		`Sent ${new Intl.NumberFormat('en-US').format(count)} records from ${HARBOR} to Visit helper`,
	);
	expect(told).toContain(`Could not check ${SUMMIT}`);
	expect(told).toContain(`Checked ${SUMMIT} 2 times: access works`);
	expect(told.slice(-2)).toEqual([expect.stringMatching(/^(Connected|Checked)/), `Connected ${HARBOR}`]);
	await expect(page.getByText('The provider is not available right now')).toBeVisible();
	await expect(page.getByText(/^Lab results and vital signs \([\d,]+\)$/)).toBeVisible();
	await look(page, 'activity');

	const downloading = page.waitForEvent('download');
	await page.getByRole('button', { name: 'Save as a file' }).click();
	const file = await textOf(downloading);
	expect(file.name).toMatch(/^satchel-activity-\d{4}-\d\d-\d\d\.csv$/);
	for (const line of told) expect(file.text).toContain(line);
	expect(file.text.trimEnd().split('\r\n')).toHaveLength(told.length + 1);
	const hidden = await secrets(worker, stack, [
		['harbor', 'camila'],
		['summit', 'linnea'],
	]);
	expect(Object.keys(hidden).length).toBeGreaterThan(200);
	expect(found(Buffer.from(file.text), hidden)).toEqual([]);
	expect(found(Buffer.from((await page.locator('main').textContent()) ?? ''), hidden)).toEqual([]);
	// The search finds what is there.
	expect(found(Buffer.from(`${file.text}${hidden['patient id camila']}`), hidden)).toContain('patient id camila');

	// It outlives the worker, needs no network, and goes with everything else.
	await killWorker(page);
	await page.context().setOffline(true);
	await page.reload();
	await expect(page.getByText(`Removed ${SUMMIT}`)).toBeVisible();
	expect(await lines(page)).toEqual(told);
	await page.context().setOffline(false);
	await page.goto('/connections');
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	await expect(page.getByText('All connections were cleared.')).toBeVisible();
	await page.goto('/activity');
	await expect(page.getByRole('heading', { name: 'Nothing has happened here yet' })).toBeVisible();
});

test('a long activity comes a page at a time, and the keyboard goes on where the next page begins', async ({
	page,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const refresh = card(page, HARBOR).getByRole('button', { name: 'Refresh Now' });
	// A check that works and one that does not, in turn: none is counted with the one before.
	for (let turn = 0; turn < 27; turn++) {
		const failing = stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { status: 503 } });
		await refresh.click();
		await expect(card(page, HARBOR)).toContainText('Could not be checked, since');
		failing();
		await refresh.click();
		await expect(page.getByText(`${HARBOR} was checked just now.`)).toBeVisible();
	}
	await page.goto('/activity');
	await expect(page.locator('.entry')).toHaveCount(50);
	const first = await lines(page);
	await tabTo(page, page.getByRole('button', { name: 'Show more' }));
	await page.keyboard.press('Enter');
	await expect(page.locator('.entry').last()).toContainText(`Connected ${HARBOR}`);
	await expect(page.locator('.entry').nth(50)).toBeFocused();
	const all = await lines(page);
	expect(all.slice(0, 50)).toEqual(first);
	expect(all).toHaveLength(55);
	await expect(page.getByRole('button', { name: 'Show more' })).toBeHidden();
	// What happens in another tab is added above, and nothing of what was shown goes away.
	const other = await page.context().newPage();
	await other.goto('/connections');
	await card(other, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await confirm(other, 'Remove');
	await expect(page.locator('.entry').first()).toContainText(`Removed ${HARBOR}`);
});

test('the end of a connection goes into a calendar file, after it was said what is in it', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await page.getByRole('link', { name: 'Settings' }).click();
	await expect(page.getByText('The name of the provider goes into your calendar')).toBeVisible();
	await expect(page.getByRole('button', { name: `Save the end of ${SUMMIT} for the calendar` })).toBeHidden();
	const save = page.getByRole('button', { name: `Save the end of ${HARBOR} for the calendar` });
	const files: string[] = [];
	for (const _ of [1, 2]) {
		const downloading = page.waitForEvent('download');
		await save.click();
		const { name, text } = await textOf(downloading);
		expect(name).toBe('satchel-access-ends.ics');
		files.push(text);
	}
	await expect(page.getByText(`The calendar file for ${HARBOR} was saved.`)).toBeVisible();
	const value = (text: string, name: string) => new RegExp(`^${name}(?:;[^:]*)?:(.*)\\r$`, 'm').exec(text)?.[1];
	const [first = '', second = ''] = files;
	expect(value(first, 'SUMMARY')).toBe(`Access to ${HARBOR} ends`);
	const ends = await page.evaluate(() => {
		const day = new Date(Date.now() + 90 * 86_400_000);
		return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((n) => String(n).padStart(2, '0')).join('');
	});
	expect(value(first, 'DTSTART')).toBe(ends);
	expect(value(first, 'UID')).toBe(value(second, 'UID'));
	expect(first).not.toMatch(/camila|lopez/i);
	await look(page, 'settings');
});

test('notifications say why they cannot work where Satchel is not installed', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto('/settings');
	await expect(
		page.getByText(/It works only where Satchel is installed|Notifications from Satchel are blocked/),
	).toBeVisible();
	await expect(page.getByRole('button', { name: 'Turn on notifications' })).toBeHidden();
});

test('woken in the background, the worker checks what is due, sets the badge and notifies once', async ({
	profile,
	stack,
}) => {
	// A browser's own profile: private ones are woken for nothing.
	const context = await profile.open();
	const page = await context.newPage();
	const cdp = await context.newCDPSession(page);
	await cdp.send('Browser.grantPermissions', {
		origin: stack.origin,
		permissions: ['notifications', 'periodicBackgroundSync'],
	});
	const registrations: string[] = [];
	cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: all }) => {
		for (const { registrationId, scopeURL } of all)
			if (scopeURL.startsWith(stack.origin)) registrations.push(registrationId);
	});
	await cdp.send('ServiceWorker.enable');
	const worker = await watch(page);
	// Access for a minute: it is due whenever anybody looks.
	stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { tokenPatch: { expires_in: 60 } } });
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	await page.getByRole('link', { name: 'Settings' }).click();
	await page.getByRole('button', { name: 'Turn on notifications' }).click();
	await expect(page.getByText('Notifications are on.')).toBeVisible();
	const wake = async () => {
		await cdp.send('ServiceWorker.dispatchPeriodicSyncEvent', {
			origin: stack.origin,
			registrationId: registrations[0] ?? '',
			tag: 'tend',
		});
	};
	const notifications = () =>
		worker.evaluate(async () => {
			const { registration } = self as unknown as Watched;
			return (await registration.getNotifications()).map(({ title, body }) => ({ title, body }));
		});
	stack.sandbox.faults.expire('harbor');
	const before = stack.sandbox.faults.counts('harbor').requests.token ?? 0;
	await wake();
	await expect.poll(notifications).toHaveLength(1);
	expect(stack.sandbox.faults.counts('harbor').requests.token).toBe(before + 1);
	expect((await notifications())[0]?.title).toBe('A connection needs your attention');
	expect(JSON.stringify(await notifications())).not.toContain('Harbor');
	expect((await seen(worker)).badges.at(-1)).toBe(1);
	// The same news is told once: closed by the person, it does not come back.
	await worker.evaluate(async () => {
		const { registration } = self as unknown as Watched;
		for (const notification of await registration.getNotifications()) notification.close();
	});
	await wake();
	await expect.poll(notifications).toHaveLength(0);
	await page.goto('/settings');
	await expect(page.getByText('Notifications are on.')).toBeVisible();
	await page.getByRole('button', { name: 'Turn off notifications' }).click();
	await expect(page.getByRole('button', { name: 'Turn on notifications' })).toBeVisible();
});
