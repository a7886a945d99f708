/** Gzip octets of what the first screen loads and of the worker; fails above the aims, and when the README tells other numbers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = new URL('../../', import.meta.url);
const gzipped = (path) => gzipSync(readFileSync(new URL(`dist/app/${path}`, root)), { level: 9 }).length;

const html = readFileSync(new URL('dist/app/index.html', root), 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path);
const sizes = [
	{
		name: 'app (first screen: HTML, script, styles)',
		bytes: ['index.html', ...first].reduce((sum, path) => sum + gzipped(path), 0),
		aim: 25_000,
	},
	{ name: 'worker', bytes: gzipped('sw.js'), aim: 70_000 },
];

const readme = readFileSync(fileURLToPath(new URL('README.md', root)), 'utf8');
let failed = first.length < 2;
for (const { name, bytes, aim } of sizes) {
	const kb = (bytes / 1000).toFixed(1);
	const told = readme.includes(`${kb} kB`);
	console.log(`${kb} kB of ${aim / 1000} kB  ${name}${told ? '' : '  (the README says otherwise)'}`);
	failed ||= bytes > aim;
}
process.exitCode = failed ? 1 : 0;
