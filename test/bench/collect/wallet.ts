/** The wallet as the bench drives it: the app's own commands and screens, by a page alone. */
import { authorize } from '../../sandbox/client.js';
import { ask } from '../ask.js';
import type { Page } from './browser.js';
import type { Stack } from './processes.js';

const NINETY_DAYS = 90 * 24 * 3600;

/** Opens the app and waits for its worker. */
export async function openWallet(page: Page, { origin }: Stack): Promise<void> {
	await page.goto(`${origin}/connections`);
	await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined), null);
	// Controlled from here on.
	await page.goto(`${origin}/connections`);
}

/** Signs in and consents without a screen; the authorization response takes the way it always does. */
export async function connect(page: Page, stack: Stack, system: string, username: string): Promise<void> {
	const target = { kind: 'provider', providerId: system } as const;
	const { url } = await ask(page, 'connect.start', { target, returnTo: '/connections', sid: null });
	const params = Object.fromEntries(new URL(url).searchParams);
	const { callback } = await authorize(stack.sandbox, system, { username, duration: NINETY_DAYS, params });
	await page.goto(callback.href);
	await page.until(() => document.querySelectorAll('article').length > 0, null);
}

/** Presses what a person would press: a button, link or checkbox by the text on or beside it. */
export async function press(page: Page, text: string): Promise<void> {
	await page.until(pressed, text);
}

/** Runs in the page. */
function pressed(text: string): boolean {
	for (const element of document.querySelectorAll<HTMLElement>('button, a, label')) {
		if (!element.textContent?.trim().startsWith(text)) continue;
		const control = element instanceof HTMLLabelElement ? element.control : element;
		if (!control || ('disabled' in control && control.disabled)) continue;
		if (control instanceof HTMLInputElement && control.checked) return true;
		control.click();
		return true;
	}
	return false;
}
