/**
 * Makes the pictures of the manifest and the README: the built app with real data of the sandbox, into
 * `app/public/screenshots/`. `npm run screenshots`, after a build; build again afterwards.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
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

async function shoot(page, name) {
	const path = join(out, `${name}.png`);
	await page.evaluate(() => scrollTo(0, 0));
	await page.mouse.move(0, 0);
	await page.screenshot({ path, animations: 'disabled' });
	const { size } = await stat(path);
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
		await page.reload();
		await page.getByRole('article').nth(1).waitFor();
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
