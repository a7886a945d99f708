/**
 * Gzip octets of what the first screens load and of the worker; fails above the aims, and tells where the README has other
 * numbers. A screen loads the page, the styles, the entry script, its own script, and what these import.
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

const sizes = [
	{ name: 'app, first load of /', bytes: screen('home'), aim: 25_000 },
	{ name: 'app, first load of /connections', bytes: screen('connections'), aim: 25_000 },
	{ name: 'worker', bytes: gzipped('sw.js'), aim: 70_000 },
];

const readme = readFileSync(fileURLToPath(new URL('README.md', root)), 'utf8');
let failed = linked.length < 2;
for (const { name, bytes, aim } of sizes) {
	const kb = (bytes / 1000).toFixed(1);
	const told = readme.includes(`${kb} kB`);
	console.log(`${kb} kB of ${aim / 1000} kB  ${name}${told ? '' : '  (the README says otherwise)'}`);
	failed ||= bytes > aim;
}
process.exitCode = failed ? 1 : 0;
