/** What holds of every screen, however it is looked at: light and dark, on a phone and a desk, and at 200 % zoom. */
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect } from './support.js';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
/** A browser at 200 % zoom lays out half as many CSS pixels. */
const ZOOMED = [PHONE, DESK].map(({ width, height }) => ({ width: width / 2, height: height / 2 }));
/** Where to put pictures of all of it, to be looked at by people. */
const { LOOKS } = process.env;
/** CSS pixels; WCAG 2.2 asks for 24 (2.5.8), fingers for this. */
const TARGET = 44;

/** Checks a screen that is there and still. Leaves the page on a phone's viewport, in the light. */
export async function look(page: Page, name: string): Promise<void> {
	await page.emulateMedia({ reducedMotion: 'reduce' });
	for (const [size, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
		await page.setViewportSize(viewport);
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.emulateMedia({ colorScheme });
			const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
			const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
			expect.soft(found, `${name}, ${size}, ${colorScheme}`).toEqual([]);
			if (LOOKS) {
				await page.screenshot({ path: join(LOOKS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
			}
		}
	}
	await page.emulateMedia({ colorScheme: 'light' });
	for (const viewport of ZOOMED) {
		await page.setViewportSize(viewport);
		await fits(page, `${name} at ${viewport.width} × ${viewport.height}`);
		if (LOOKS) await page.screenshot({ path: join(LOOKS, `${name}-zoom-${viewport.width}.png`), fullPage: true });
	}
	await page.setViewportSize(PHONE);
}

/** Nothing is wider than the window, and what the screen is for can be brought into view as a whole. */
async function fits(page: Page, name: string): Promise<void> {
	const wide = await page.evaluate(() => {
		const limit = document.documentElement.clientWidth;
		return {
			scrolls: document.documentElement.scrollWidth - limit,
			cut: [...document.querySelectorAll('body *:not(.hidden, .hidden *, .skip, svg *)')]
				.filter((element) => element.getBoundingClientRect().right > limit + 0.5)
				.map((element) => element.outerHTML.slice(0, 80)),
		};
	});
	expect.soft(wide, name).toEqual({ scrolls: 0, cut: [] });
	for (const button of await page.locator(':is(main, dialog) :is(.button, button)').all()) {
		if (!(await button.isVisible())) continue;
		// Behind an open dialog nothing is to be reached.
		if (await button.evaluate((e) => document.querySelector('dialog[open]') !== null && !e.closest('dialog'))) continue;
		await button.scrollIntoViewIfNeeded();
		const box = await button.boundingBox();
		expect
			.soft(box && Math.min(box.width, box.height), `${name}: ${await button.textContent()}`)
			.toBeGreaterThanOrEqual(TARGET);
		await expect.soft(button, name).toBeInViewport({ ratio: 0.99, timeout: 2_000 });
	}
}

/** Presses the tabulator until `target` has the focus; on the way everything that has it shows that it does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
	await expect(target).toBeVisible();
	const passed: string[] = [];
	for (let presses = 0; presses < 60; presses++) {
		await page.keyboard.press('Tab');
		const focus = await page.evaluate(() => {
			const element = document.activeElement;
			// A screen takes the focus as it appears, also between two presses; it is no stop of the tabulator.
			if (!element || element === document.body || element.id === 'main') return null;
			const { outlineStyle, outlineWidth } = getComputedStyle(element);
			const { width, height } = element.getBoundingClientRect();
			return {
				what: element.outerHTML.slice(0, 80),
				outlined: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1,
				seen: width > 0 && height > 0,
			};
		});
		if (!focus) continue;
		passed.push(focus.what);
		expect(focus, focus.what).toMatchObject({ outlined: true, seen: true });
		if (await target.evaluate((element) => element === document.activeElement)) {
			await expect(target).toBeInViewport();
			return;
		}
	}
	throw new Error(`the tabulator does not reach ${target}; it went through\n${passed.join('\n')}`);
}
