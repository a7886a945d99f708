/** Draws the app's icons into app/public/icons: `node test/app/draw-icons.mjs`. Needs a Chromium at CHROME or /usr/bin/chromium. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';

const out = fileURLToPath(new URL('../../app/public/icons/', import.meta.url));

const PINE = '#12504a';
const CREAM = '#fbf4e6';
const LEATHER = '#d9a566';

/** The satchel on a 64 × 64 field. */
const bag = `<path d="M24 21v-4a8 8 0 0 1 16 0v4" fill="none" stroke="${CREAM}" stroke-width="4.5" stroke-linecap="round"/>
<rect x="11" y="20" width="42" height="33" rx="6" fill="${CREAM}"/>
<path d="M11 26a6 6 0 0 1 6-6h30a6 6 0 0 1 6 6v5c0 6-9 9-21 9s-21-3-21-9z" fill="${LEATHER}"/>
<path d="M32 32v9M27.500 36.500h9" stroke="${PINE}" stroke-width="4" stroke-linecap="round"/>`;

/** White line drawings of 24 × 24 for the shortcuts. */
const glyphs = {
	connections:
		'M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1',
	collect: 'M12 4v11M7 10.500l5 5 5-5M5 20h14',
};

const svg = (content, view = 64) =>
	`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${view} ${view}">${content}</svg>`;
const scaled = (factor) => `<g transform="translate(32 32) scale(${factor}) translate(-32 -33)">${bag}</g>`;

const rounded = svg(`<rect width="64" height="64" rx="14" fill="${PINE}"/>${scaled(0.86)}`);
// Whole ground: a launcher cuts its own shape, and everything within 80 % of the middle survives any (W3C maskable).
const whole = svg(`<rect width="64" height="64" fill="${PINE}"/>${scaled(0.66)}`);
const shortcut = (d) =>
	svg(
		`<circle cx="12" cy="12" r="12" fill="${PINE}"/><g transform="translate(12 12) scale(.6) translate(-12 -12)">
<path d="${d}" fill="none" stroke="${CREAM}" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/></g>`,
		24,
	);

writeFileSync(`${out}favicon.svg`, `${rounded.replace('>', '><title>Satchel</title>')}\n`);
const browser = await chromium.launch({
	executablePath: process.env.CHROME ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage();
for (const [name, size, drawing] of [
	['icon-192', 192, rounded],
	['icon-512', 512, rounded],
	['maskable-512', 512, whole],
	['apple-touch-icon', 180, svg(`<rect width="64" height="64" fill="${PINE}"/>${scaled(0.8)}`)],
	['shortcut-connections-96', 96, shortcut(glyphs.connections)],
	['shortcut-collect-96', 96, shortcut(glyphs.collect)],
]) {
	await page.setViewportSize({ width: size, height: size });
	await page.setContent(
		`<body style="margin:0"><div style="inline-size:${size}px;block-size:${size}px">${drawing}</div>`,
	);
	await page.screenshot({ path: `${out}${name}.png`, omitBackground: true });
}
await browser.close();
