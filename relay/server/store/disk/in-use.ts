/**
 * One process a directory. Whoever uses it listens on a socket in it: the system ends that with the process, however it ends, and a
 * number that another process has got meanwhile deceives nobody, as with a file that names a process.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdtemp, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemCode } from '../../errors.js';
import { namesIn } from './files.js';

const PREFIX = 'in-use.';

/** Paths of sockets are short: 104 octets on macOS. */
const LONGEST = 100;

/** A directory that another process uses, or this one already; or that is no longer this one's own. Told by its code, as the system's are. */
export class InUseError extends Error {
	override name = 'InUseError';
	readonly code = 'ELOCKED';
	constructor(readonly path: string) {
		super('ELOCKED');
	}
}

export interface Hold {
	/** @throws {InUseError} when the socket's file was taken away: another process may think that it has the directory for itself. */
	check(): Promise<void>;
	/** Gives the directory free. */
	free(): Promise<void>;
}

/**
 * Each socket has a name of its own, and whoever has one looks for others. Of two that come at the same time at least one sees the
 * other; perhaps both do and both go.
 * @throws {InUseError}; a system error where there can be no sockets
 */
export async function takeDirectory(directory: string): Promise<Hold> {
	const name = `${PREFIX}${randomBytes(4).toString('hex')}`;
	const near = await nearby(directory, name);
	try {
		const server = await listen(join(near.path, name), directory);
		const free = async () => {
			server.close();
			await rm(join(directory, name), { force: true });
		};
		try {
			for (const other of await namesIn(directory)) {
				if (!other.startsWith(PREFIX) || other === name) continue;
				if (await isAlive(join(near.path, other))) throw new InUseError(directory);
				await rm(join(directory, other), { force: true });
			}
		} catch (cause) {
			await free();
			throw cause;
		}
		const { ino } = await lstat(join(directory, name));
		const check = async () => {
			const there = await lstat(join(directory, name)).catch(() => null);
			if (there?.ino !== ino) throw new InUseError(directory);
		};
		return { check, free };
	} finally {
		await near.leave();
	}
}

/** The directory by a path that is short enough: its own, or that of a link to it. */
async function nearby(directory: string, name: string): Promise<{ path: string; leave(): Promise<void> }> {
	const path = resolve(directory);
	if (Buffer.byteLength(join(path, name)) <= LONGEST) return { path, leave: async () => undefined };
	const place = await mkdtemp(join(tmpdir(), 'satchel-'));
	await symlink(path, join(place, 'd'));
	return { path: join(place, 'd'), leave: () => rm(place, { recursive: true, force: true }) };
}

function listen(path: string, directory: string): Promise<Server> {
	const server = createServer((socket) => socket.destroy());
	server.unref();
	return new Promise((done, fail) => {
		server.once('error', (cause) => fail(Object.assign(cause, { syscall: 'lock', path: directory })));
		server.listen({ path, exclusive: true }, () => done(server));
	});
}

/** What cannot be told counts as alive: two processes on one directory lose what they keep. */
function isAlive(path: string): Promise<boolean> {
	return new Promise((done) => {
		const socket = connect(path);
		socket.once('connect', () => {
			socket.destroy();
			done(true);
		});
		socket.once('error', (cause) => done(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(systemCode(cause) ?? '')));
	});
}
