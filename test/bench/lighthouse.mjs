/**
 * Lighthouse on the first two screens, as on a phone: the median of three runs each, against the built app on this machine.
 * Prints a table; needs a build. `npm run bench:lighthouse`
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import lighthouse from 'lighthouse';
import { chromium as playwright } from 'playwright';
import { CHROMIUM_ARGS, chromium } from '../tools/chromium.mjs';

const RUNS = 3;
const PATHS = ['/', '/connections'];
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
const METRICS = [
	'first-contentful-paint',
	'largest-contentful-paint',
	'total-blocking-time',
	'cumulative-layout-shift',
];
const AIM = 95;

const root = fileURLToPath(new URL('../..', import.meta.url));

function freePort() {
	return new Promise((resolve) => {
		const server = createServer().listen(0, 'localhost', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

/** The relay alone serves the app; no screen measured here asks for more. */
async function serve() {
	const port = await freePort();
	const dataDir = await mkdtemp(join(tmpdir(), 'satchel-bench-'));
	const child = spawn(process.execPath, [join(root, 'dist/node/relay.js')], {
		cwd: root,
		env: { ...process.env, PORT: String(port), DATA_DIR: dataDir },
		stdio: ['ignore', 'ignore', 'inherit'],
	});
	const origin = `http://localhost:${port}`;
	for (;;) {
		if (child.exitCode !== null) throw new Error('the relay did not start; is it built?');
		const answer = await fetch(`${origin}/api/health`).catch(() => null);
		if (answer?.ok) break;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	return {
		origin,
		async close() {
			const closed = new Promise((resolve) => child.once('close', resolve));
			child.kill();
			await closed;
			await rm(dataDir, { recursive: true, force: true });
		},
	};
}

/** One run with a profile of its own: nothing is cached, no worker is there. */
async function measure(url) {
	const port = await freePort();
	const executablePath = chromium();
	const browser = await playwright.launch({
		...(executablePath && { executablePath }),
		args: [...CHROMIUM_ARGS, `--remote-debugging-port=${port}`],
	});
	try {
		const { lhr } = await lighthouse(url, { port, onlyCategories: CATEGORIES, logLevel: 'error' });
		const failing = CATEGORIES.flatMap((category) =>
			lhr.categories[category].auditRefs
				.filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
				.map(({ id }) => id),
		);
		return {
			scores: CATEGORIES.map((category) => Math.round(lhr.categories[category].score * 100)),
			metrics: METRICS.map((id) => lhr.audits[id].numericValue),
			bytes: lhr.audits['total-byte-weight'].numericValue,
			failing,
		};
	} finally {
		await browser.close();
	}
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const app = await serve();
let low = false;
try {
	console.log(`| page | ${CATEGORIES.join(' | ')} | FCP | LCP | TBT | CLS | transferred |`);
	console.log(`|---|${'---|'.repeat(CATEGORIES.length + 5)}`);
	for (const path of PATHS) {
		const runs = [];
		for (let run = 0; run < RUNS; run++) runs.push(await measure(app.origin + path));
		const scores = CATEGORIES.map((_, index) => median(runs.map((run) => run.scores[index])));
		const [fcp, lcp, tbt, cls] = METRICS.map((_, index) => median(runs.map((run) => run.metrics[index])));
		const kb = Math.round(median(runs.map(({ bytes }) => bytes)) / 1000);
		low ||= scores.some((score) => score < AIM);
		console.log(
			`| \`${path}\` | ${scores.join(' | ')} | ${(fcp / 1000).toFixed(1)} s | ${(lcp / 1000).toFixed(1)} s | ${Math.round(tbt)} ms | ${cls.toFixed(3)} | ${kb} kB |`,
		);
		const failing = [...new Set(runs.flatMap((run) => run.failing))];
		if (failing.length) console.error(`${path} below 90: ${failing.join(', ')}`);
	}
} finally {
	await app.close();
}
process.exitCode = low ? 1 : 0;
