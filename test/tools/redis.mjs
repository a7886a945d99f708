/**
 * Finds a server that speaks Redis: `redis-server` or `valkey-server`; else Debian's package, when root on Debian. Prints its
 * path, or nothing where there is none.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['redis-server', 'valkey-server'];

function find() {
	const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
	const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
	return process.env.REDIS_SERVER ?? candidates.find((path) => existsSync(path));
}

// The package would start a server of its own; the tests start theirs.
const environment = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
const run = (command, args) =>
	spawnSync(command, args, { stdio: ['ignore', 2, 'inherit'], env: environment }).status === 0;

/** @returns {string | undefined} undefined: there is none */
export function redisServer() {
	const found = find();
	if (found) return found;
	if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
		console.error('No Redis here: installing the one of Debian');
		if (run('apt-get', ['update', '-qq']) && run('apt-get', ['install', '-y', '-qq', 'redis-server'])) return find();
	}
	return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(redisServer() ?? '');
