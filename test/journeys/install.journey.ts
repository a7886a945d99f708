import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { APIRequestContext, Page } from '@playwright/test';
import { relayConfig } from '../../relay/server/config/config.js';
import { startRelay } from '../../relay/server/serve.js';
import { freePort } from '../tools/free-port.js';
import { look } from './looks.js';
import { another, card } from './person.js';
import { connect, expect, signIn, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const IPHONE =
	'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

interface Picture {
	src: string;
	sizes: string;
	type: string;
	purpose?: string;
	form_factor?: string;
}

interface WebManifest {
	id: string;
	start_url: string;
	icons: Picture[];
	shortcuts: { name: string; url: string; icons: Picture[] }[];
	screenshots: Picture[];
}

test('a browser finds nothing that keeps it from installing', async ({ profile }) => {
	const page = await (await profile.open()).newPage();
	await page.goto('/connections');
	await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
	const cdp = await page.context().newCDPSession(page);
	const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
	expect(installabilityErrors).toEqual([]);
	const { errors, url } = await cdp.send('Page.getAppManifest');
	expect(errors).toEqual([]);
	expect(new URL(url).pathname).toBe('/manifest.webmanifest');
});

test('the manifest is complete, and every picture is there in the size that it says', async ({ request }) => {
	const answer = await request.get('/manifest.webmanifest');
	expect(answer.headers()['content-type']).toMatch(/^application\/manifest\+json/);
	const manifest: WebManifest = await answer.json();
	expect(manifest.id).toBe('/');
	for (const { url, icons } of manifest.shortcuts) {
		expect((await request.get(url)).status(), url).toBe(200);
		for (const icon of icons) await expectPicture(request, icon);
	}
	expect(manifest.shortcuts.map(({ url }) => url)).toContain('/connections');
	expect(manifest.icons.filter(({ purpose }) => purpose === 'maskable')).toHaveLength(1);
	for (const icon of manifest.icons) {
		expect(['any', 'maskable']).toContain(icon.purpose);
		await expectPicture(request, icon);
	}
	expect(new Set(manifest.screenshots.map(({ form_factor }) => form_factor))).toEqual(new Set(['narrow', 'wide']));
	for (const screenshot of manifest.screenshots) await expectPicture(request, screenshot, 150_000);
	const page = await (await request.get('/')).text();
	const [, touch] = /<link rel="apple-touch-icon" href="([^"]+)"/.exec(page) ?? [];
	await expectPicture(request, { src: String(touch), sizes: '180x180', type: 'image/png' });
});

async function expectPicture(request: APIRequestContext, { src, sizes, type }: Picture, most = 50_000): Promise<void> {
	const answer = await request.get(src);
	expect(answer.status(), src).toBe(200);
	expect(answer.headers()['content-type'], src).toBe(type);
	const body = await answer.body();
	expect(body.length, src).toBeLessThan(most);
	if (type !== 'image/png') return;
	// The header chunk of PNG: width and height, 4 octets each.
	expect(`${body.readUInt32BE(16)}x${body.readUInt32BE(20)}`, src).toBe(sizes);
}

/** What a browser dispatches that would install. Here it is sent by hand: without a screen Chromium does not offer. */
async function offerInstall(page: Page): Promise<void> {
	await page.evaluate(() => {
		const event = new Event('beforeinstallprompt', { cancelable: true });
		const prompt = () => {
			document.documentElement.dataset.prompted = 'yes';
			return Promise.resolve({ outcome: 'accepted' });
		};
		window.dispatchEvent(Object.assign(event, { prompt }));
		document.documentElement.dataset.held = String(event.defaultPrevented);
	});
	expect(await page.evaluate(() => document.documentElement.dataset.held)).toBe('true');
}

test('installing is offered once there is a connection, and not again after "Not now"', async ({ page }) => {
	const offer = page.getByRole('complementary', { name: 'Keep Satchel at hand' });
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	await offerInstall(page);
	await expect(offer).toBeHidden();
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await expect(offer).toBeHidden();
	await offerInstall(page);
	await expect(offer).toBeVisible();
	await look(page, 'install-prompt');
	await offer.getByRole('button', { name: 'Not now' }).click();
	await expect(offer).toBeHidden();
	await page.reload();
	await expect(card(page, HARBOR)).toBeVisible();
	await offerInstall(page);
	await expect(offer).toBeHidden();
});

test('"Install" opens the dialog of the browser', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await offerInstall(page);
	await page.getByRole('button', { name: 'Install' }).click();
	await expect(page.locator('html')).toHaveAttribute('data-prompted', 'yes');
	await expect(page.getByRole('complementary', { name: 'Keep Satchel at hand' })).toBeHidden();
});

test('on an iPhone the steps are shown, and why they matter', async ({ browser, stack }) => {
	const phone = await browser.newContext({ baseURL: stack.origin, userAgent: IPHONE });
	const page = await phone.newPage();
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const steps = page.getByRole('complementary', { name: 'Add Satchel to your Home Screen' });
	await expect(steps.getByRole('listitem')).toHaveCount(3);
	await expect(steps).toContainText('after a week without use');
	await look(page, 'install-ios');
	await steps.getByRole('button', { name: 'Not now' }).click();
	await page.reload();
	await expect(card(page, HARBOR)).toBeVisible();
	await expect(steps).toBeHidden();
	await phone.close();
});

test('the browser is asked to keep the storage, once there is something to keep', async ({ browser, stack }) => {
	const context = await another(browser, stack.origin);
	let asked = 0;
	await context.exposeFunction('persistAsked', () => {
		asked++;
	});
	await context.addInitScript(() => {
		const { persistAsked } = window as unknown as { persistAsked(): void };
		StorageManager.prototype.persist = async () => {
			persistAsked();
			return true;
		};
	});
	const page = await context.newPage();
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	expect(asked).toBe(0);
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await expect.poll(() => asked).toBe(1);
	await context.close();
});

test('a new version waits, is let in by "Reload", and reloads the page once', async ({ browser }) => {
	const appDir = await mkdtemp(join(tmpdir(), 'satchel-app-'));
	await cp(fileURLToPath(new URL('../../dist/app', import.meta.url)), appDir, { recursive: true });
	const dataDir = await mkdtemp(join(tmpdir(), 'satchel-relay-'));
	const config = relayConfig({ port: await freePort(), dataDir, appDir });
	let relay = await startRelay(config);
	const context = await another(browser, `http://localhost:${config.port}`);
	const page = await context.newPage();
	let loads = 0;
	page.on('load', () => loads++);
	await page.goto('/connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
	await page.reload();
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	const bar = page.getByRole('status', { name: 'A new version is ready.' });
	await expect(bar).toBeHidden();

	const worker = join(appDir, 'sw.js');
	await writeFile(worker, '\nself.secondVersion = true;\n', { flag: 'a' });
	await relay.close();
	relay = await startRelay(config);
	await page.reload();
	await expect(bar).toBeVisible();
	await look(page, 'update');
	loads = 0;
	await bar.getByRole('button', { name: 'Reload' }).click();
	await expect.poll(() => loads).toBe(1);
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	await expect(bar).toBeHidden();
	// Settled: what is active is the new one, and nothing waits that could start another round.
	await page.waitForLoadState('networkidle');
	const waiting = await page.evaluate(async () => {
		const registration = await navigator.serviceWorker.ready;
		await registration.update();
		return Boolean(registration.waiting ?? registration.installing);
	});
	expect(waiting).toBe(false);
	const versions = await Promise.all(
		context.serviceWorkers().map((each) => each.evaluate(() => 'secondVersion' in self)),
	);
	expect(versions).toContain(true);
	expect(loads).toBe(1);
	await context.close();
	await relay.close();
	for (const dir of [appDir, dataDir]) await rm(dir, { recursive: true, force: true });
});

test('a sign-in that returns to a browser without the worker is finished all the same, and leaves no code', async ({
	page,
	context,
}) => {
	await page.goto('/connections/select');
	await page.getByRole('button', { name: new RegExp(HARBOR) }).click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await expect(page.locator('input[name=username]')).toBeVisible();
	const aside = await context.newPage();
	await aside.goto('/api/health');
	await aside.evaluate(async () => {
		for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
	});
	await aside.close();
	const byWorker: boolean[] = [];
	page.on('response', (response) => {
		if (new URL(response.url()).pathname === '/connect/callback') byWorker.push(response.fromServiceWorker());
	});
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expect(card(page, HARBOR)).toContainText('Connected just now');
	await expect(page.getByText(`${HARBOR} is connected.`)).toBeVisible();
	expect(byWorker[0]).toBe(false);
	expect(byWorker.at(-1)).toBe(true);
	const cdp = await context.newCDPSession(page);
	const { entries } = await cdp.send('Page.getNavigationHistory');
	expect(entries.map(({ url }) => url).filter((url) => /[?&]code=/.test(url))).toEqual([]);
	const timed = await page.evaluate(() => performance.getEntries().map(({ name }) => name));
	expect([page.url(), await page.evaluate(() => document.referrer), ...timed].join(' ')).not.toContain('code=');
});
