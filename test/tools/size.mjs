/**
 * Gzip octets of what the first screens load and of the worker; fails above the aims, and where the README has other numbers.
 * A screen loads the page, the styles, the entry script, its own script, and what these import.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(`dist/app/${path}`, root));
const gzipped = (path) => gzipSync(read(path), { level: 9 }).length;

const linked = [
	...read('index.html')
		.toString()
		.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g),
].map(([, path]) => path);
const assets = readdirSync(new URL('dist/app/assets/', root));

/** A script and all that it imports before it can run. */
function withImports(path, seen = new Set()) {
	if (seen.has(path)) return seen;
	seen.add(path);
	if (!path.endsWith('.js')) return seen;
	for (const [, name] of read(path)
		.toString()
		.matchAll(/\b(?:from|import)\s*["']\.\/([^"']+)["']/g)) {
		withImports(`assets/${name}`, seen);
	}
	return seen;
}

/** @param {string} name of the screen's file in `app/screens/` */
function screen(name) {
	const own = assets.filter((file) => new RegExp(`^${name}-[\\w-]{8}\\.(js|css)$`).test(file));
	if (!own.some((file) => file.endsWith('.js'))) throw new Error(`no script for the screen "${name}"`);
	const files = new Set(['index.html']);
	for (const path of [...linked, ...own.map((file) => `assets/${file}`)]) withImports(path, files);
	return [...files].reduce((sum, path) => sum + gzipped(path), 0);
}

/** `told` is the row of the README that has the same number. */
const sizes = [
	{ name: 'app, first load of /', told: 'first load of `/`', bytes: screen('home'), aim: 25_000 },
	{
		name: 'app, first load of /connections',
		told: 'first load of `/connections`',
		bytes: screen('connections'),
		aim: 25_000,
	},
	{ name: 'worker', told: 'service worker', bytes: gzipped('sw.js'), aim: 90_000 },
];

/** Octets between what the README says and what is so. */
const TOLERANCE = 200;

const lines = readFileSync(fileURLToPath(new URL('README.md', root)), 'utf8').split('\n');
/** What the README says, in octets; NaN where it says nothing. */
function toldBy(row) {
	const line = lines.find((text) => text.startsWith(`| ${row} `));
	return Number(line?.match(/([\d.]+) kB/)?.[1] ?? Number.NaN) * 1000;
}

let failed = linked.length < 2;
for (const { name, told, bytes, aim } of sizes) {
	const differs = !(Math.abs(toldBy(told) - bytes) <= TOLERANCE);
	const notes = [bytes > aim && 'too large', differs && 'the README says otherwise'].filter(Boolean);
	console.log([`${(bytes / 1000).toFixed(1)} kB of ${aim / 1000} kB  ${name}`, ...notes].join(', '));
	failed ||= notes.length > 0;
}
process.exitCode = failed ? 1 : 0;
