/** Finds Bun and Deno, or installs them from their npm packages into a cache; the skill's script must run on both. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PINNED = { bun: '1.4.5', deno: '2.9.6' };
const cache = fileURLToPath(new URL('../../node_modules/.cache/satchel-runtimes', import.meta.url));
const binary = (name) => (process.platform === 'win32' ? `${name}.exe` : name);

function find(name) {
	const folders = [...(process.env.PATH ?? '').split(delimiter), join(cache, 'node_modules/.bin')];
	return folders.map((folder) => join(folder, binary(name))).find((path) => existsSync(path)) ?? null;
}

function install(name) {
	console.warn(`No ${name} here: installing the one of npm`);
	mkdirSync(cache, { recursive: true });
	const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=0'];
	const args = ['install', '--prefix', cache, ...quiet, `${name}@${PINNED[name]}`];
	const { status } = spawnSync('npm', args, { cwd: cache, stdio: ['ignore', 2, 2], timeout: 120_000 });
	return status === 0 ? find(name) : null;
}

/**
 * @param {'bun' | 'deno'} name
 * @returns {string | null} its path; null, and a line on stderr, where it cannot be had
 */
export function runtime(name) {
	const found = find(name) ?? install(name);
	if (!found) console.warn(`${name} is not here and could not be installed: nothing is tried with it`);
	return found;
}
