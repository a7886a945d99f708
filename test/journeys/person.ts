/** What a person does in the app, step by step. */
import type { Browser, BrowserContext, Locator, Page } from '@playwright/test';
import { chooseProvider, expect, type SignIn } from './support.js';

export const SENT = 'Data sent. You can close this window.';

/** The card of a provider, on whatever screen. */
export function card(page: Page, provider: string | RegExp): Locator {
	return page.getByRole('article', { name: provider });
}

export function include(page: Page, provider: string | RegExp): Locator {
	return card(page, provider).getByRole('checkbox', { name: 'Include' });
}

/** From a session's page to a provider and back to it, with a connection made for this session. */
export async function connectInSession(page: Page, who: SignIn): Promise<void> {
	await page.getByRole('link', { name: /^Connect (a Health|Another) Provider$/ }).click();
	await chooseProvider(page, who);
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	await expect(include(page, new RegExp(who.provider))).toBeChecked();
}

export async function keepIt(page: Page): Promise<void> {
	await page.getByRole('radio', { name: 'Keep this connection for later' }).check();
}

export async function clearIt(page: Page): Promise<void> {
	await page.getByRole('radio', { name: 'Clear everything after sending' }).check();
}

export async function send(page: Page): Promise<void> {
	await page.getByRole('button', { name: 'Send Selected to AI' }).click();
}

export async function expectSent(page: Page): Promise<void> {
	await expect(page.getByRole('heading', { name: SENT })).toBeVisible({ timeout: 45_000 });
}

/** Presses the button in the dialog that asks. */
export async function confirm(page: Page, action: string): Promise<void> {
	await page.getByRole('dialog').getByRole('button', { name: action }).click();
}

/** The error beside something, or as a screen of its own. */
export async function expectError(page: Page, title: string, body: string): Promise<void> {
	await expect(page.getByText(title).first()).toBeVisible();
	await expect(page.getByText(body).first()).toBeVisible();
}

/** The screen of what is kept on this device of a connection. */
export async function openRecords(page: Page, provider: string): Promise<void> {
	await page.goto('/connections');
	await card(page, provider)
		.getByRole('link', { name: /^Records on this device/ })
		.click();
	await expect(page.getByRole('heading', { name: 'Records on this device' })).toBeVisible();
}

/** Turns the copy of a connection on, and waits until it is there. */
export async function keepCopy(page: Page, provider: string): Promise<void> {
	await openRecords(page, provider);
	await page.getByRole('button', { name: 'Keep a copy on this device' }).click();
	await expect(page.getByText('Brought up to date just now')).toBeVisible({ timeout: 45_000 });
}

/** A second browser, or somebody else's. */
export function another(browser: Browser, origin: string): Promise<BrowserContext> {
	return browser.newContext({ baseURL: origin, viewport: { width: 390, height: 844 } });
}
