/**
 * Makes the pictures of the manifest and the README: the built app with real data of the sandbox, into
 * `app/public/screenshots/`. `npm run screenshots`, after a build; build again afterwards.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { chromium as playwright } from 'playwright';
import { CHROMIUM_ARGS, chromium } from './chromium.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = join(root, 'app/public/screenshots');
const FORMS = {
	narrow: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
	wide: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
};
/** Octets; the manifest's test holds them to it. */
const MOST = 150_000;

function freePort() {
	return new Promise((resolve) => {
		const server = createServer().listen(0, 'localhost', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

const node = (args, env) =>
	spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });

/** The first line of a process' output that `pick` makes something of. */
function firstLine(child, pick) {
	return new Promise((resolve, reject) => {
		child.once('close', () => reject(new Error('ended too early; is it built?')));
		createInterface({ input: child.stdout }).on('line', (line) => {
			const found = pick(line);
			if (found) resolve(found);
		});
	});
}

const work = await mkdtemp(join(tmpdir(), 'satchel-screenshots-'));
const port = await freePort();
const origin = `http://localhost:${port}`;
const env = { PORT: String(port), SANDBOX_PORT: String(await freePort()), DATA_DIR: join(work, 'relay') };
const demo = node(['dist/node/demo.js'], env);
const executablePath = chromium();
const browser = await playwright.launch({ ...(executablePath && { executablePath }), args: CHROMIUM_ARGS });

async function connect(page, provider, username, duration) {
	await page.goto('/connections/select');
	await page.getByRole('searchbox').fill(provider);
	await page.getByRole('button', { name: new RegExp(provider) }).click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await page.locator('input[name=username]').fill(username);
	await page.locator('input[name=password]').fill('sandbox');
	await page.getByRole('button', { name: 'Sign in' }).click();
	if (duration) await page.locator('[name=duration]').selectOption({ label: duration });
	await page.getByRole('button', { name: 'Allow access' }).click();
	await page.waitForURL('**/connections');
}

/**
 * The same picture with a palette of at most 256 colours, which is a third of the size: near colours become the commonest
 * of them. PNG (RFC 2083), section 4.1.
 */
async function indexed(png) {
	const blank = await browser.newPage();
	const { width, height, palette, pixels } = await blank.evaluate(async (base64) => {
		const octets = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
		const bitmap = await createImageBitmap(new Blob([octets]));
		const { width, height } = bitmap;
		const drawing = new OffscreenCanvas(width, height).getContext('2d');
		drawing.drawImage(bitmap, 0, 0);
		const colours = new Uint32Array(drawing.getImageData(0, 0, width, height).data.buffer);
		const seen = new Map();
		for (const colour of colours) seen.set(colour, (seen.get(colour) ?? 0) + 1);
		const byUse = [...seen].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
		for (let bits = 8; ; bits--) {
			const mask = ((0xff << (8 - bits)) & 0xff) * 0x010101;
			const index = new Map();
			const palette = [];
			for (const colour of byUse) {
				if (index.has(colour & mask)) continue;
				index.set(colour & mask, index.size);
				palette.push(colour & 0xff, (colour >> 8) & 0xff, (colour >> 16) & 0xff);
			}
			if (index.size > 256) continue;
			let pixels = '';
			for (const colour of colours) pixels += String.fromCharCode(index.get(colour & mask));
			return { width, height, palette, pixels: btoa(pixels) };
		}
	}, png.toString('base64'));
	await blank.close();
	const flat = Buffer.from(pixels, 'base64');
	const rows = Array.from({ length: height }, (_, y) =>
		Buffer.concat([Buffer.of(0), flat.subarray(y * width, (y + 1) * width)]),
	);
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header.set([8, 3], 8);
	return Buffer.concat([
		png.subarray(0, 8),
		chunk('IHDR', header),
		chunk('PLTE', Buffer.from(palette)),
		chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9, memLevel: 9 })),
		chunk('IEND', Buffer.alloc(0)),
	]);
}

function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
	const octets = Buffer.alloc(body.length + 8);
	octets.writeUInt32BE(data.length, 0);
	body.copy(octets, 4);
	octets.writeUInt32BE(crc32(body), body.length + 4);
	return octets;
}

async function shoot(page, name) {
	const path = join(out, `${name}.png`);
	await page.evaluate(() => scrollTo(0, 0));
	await page.mouse.move(0, 0);
	const png = await indexed(await page.screenshot({ animations: 'disabled' }));
	await writeFile(path, png);
	const size = png.length;
	console.log(`${Math.round(size / 1000)} kB  ${path}`);
	if (size > MOST) process.exitCode = 1;
}

try {
	await mkdir(out, { recursive: true });
	await firstLine(demo, (line) => line.includes(origin));
	for (const [form, options] of Object.entries(FORMS)) {
		const context = await browser.newContext({
			...options,
			baseURL: origin,
			colorScheme: 'light',
			reducedMotion: 'reduce',
			locale: 'en-US',
		});
		const page = await context.newPage();
		await connect(page, 'Harbor', 'camila', '90 days');
		await connect(page, 'Lakeside', 'camila', '30 days');
		await page.getByRole('article').nth(1).waitFor();
		await page.getByRole('button', { name: 'Dismiss' }).click();
		await shoot(page, `connections-${form}`);
		const agent = node([
			...['dist/node/agent.js', 'request', '--relay', origin, '--out', join(work, form)],
			...['--who', 'Visit helper', '--why', 'To prepare for your visit with Dr. Vance on Tuesday'],
		]);
		const url = await firstLine(agent, (line) => JSON.parse(line).url);
		await page.goto(url);
		await page.getByRole('checkbox', { name: 'Include' }).first().check();
		await shoot(page, `session-${form}`);
		agent.kill();
		await context.close();
	}
} finally {
	await browser.close();
	const closed = new Promise((resolve) => demo.once('close', resolve));
	demo.kill();
	await closed;
	await rm(work, { recursive: true, force: true });
}
