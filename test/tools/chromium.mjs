/**
 * Finds a Chromium, or installs one: the system's Chrome or Chromium; else Debian's package, when root on Debian; else
 * Playwright's own. Prints its path, or nothing where Playwright is to use its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const ELSEWHERE = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** What makes Chromium quiet and steady in a test; as root it cannot use its sandbox. */
export const CHROMIUM_ARGS = [
	...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

function find() {
	const folders = (process.env.PATH ?? '').split(delimiter);
	const candidates = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...ELSEWHERE];
	return process.env.CHROMIUM ?? candidates.find((path) => existsSync(path));
}

const run = (command, args) => spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;

/** @returns {string | undefined} undefined: Playwright's own is installed */
export function chromium() {
	const found = find();
	if (found) return found;
	if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
		console.error('No Chromium here: installing the one of Debian');
		if (run('apt-get', ['update', '-qq']) && run('apt-get', ['install', '-y', '-qq', 'chromium'])) {
			const installed = find();
			if (installed) return installed;
		}
	}
	console.error('No Chromium here: installing the one of Playwright');
	if (!run('npx', ['playwright', 'install', 'chromium'])) throw new Error('no Chromium could be found or installed');
	return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(chromium() ?? '');
