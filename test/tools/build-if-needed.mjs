/** Builds when there is no build, or a source is newer than it. Says nothing on stdout, which belongs to what comes next. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['app', 'sw', 'relay', 'test/sandbox', 'manifest.webmanifest', 'package.json', 'vite.config.ts'];
/** Written last by a build. */
const BUILT = ['dist/app/sw.js.gz', 'dist/node/relay.js', 'dist/skill/satchel.mjs'];

function newest(path) {
	const stat = statSync(path);
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function age(path) {
	try {
		return statSync(join(root, path)).mtimeMs;
	} catch {
		return 0;
	}
}

if (Math.min(...BUILT.map(age)) < Math.max(...SOURCES.map((path) => newest(join(root, path))))) {
	console.error('Building …');
	const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
	if (status !== 0) process.exit(status ?? 1);
}
