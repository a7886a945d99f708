/**
 * The session file: what a second process needs to go on waiting. Mode 0600, created anew or not at all, and never
 * read when somebody else could have written or read it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, constants, type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { AgentError } from './errors.js';
import { relayOrigin } from './protocol.js';
import { AgentSession } from './session.js';

const SESSION_FILE = '.satchel-session.json';

/** Where the session file of an output folder is. */
export function sessionFile(out: string): string {
	return join(out, SESSION_FILE);
}

/** Windows has neither owners nor modes that node:fs could tell. */
const uid = process.getuid?.();
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

function errno(error: unknown): string | undefined {
	return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/**
 * Makes `dir` with mode 0700. One that is there and empty is narrowed to that; one with files in it is left as it is,
 * and refused when it is another user's or others could write into it.
 * @throws {AgentError} `output_unsafe`, `output_failed`
 */
export async function privateFolder(dir: string): Promise<void> {
	try {
		await mkdir(dir, { recursive: true, mode: 0o700 });
		if (uid === undefined) return;
		const there = await stat(dir);
		if (there.uid === uid && !(there.mode & 0o077)) return;
		if (there.uid === uid && (await readdir(dir)).length === 0) return await chmod(dir, 0o700);
		if (there.uid !== uid || there.mode & 0o022) throw new AgentError('output_unsafe');
	} catch (cause) {
		throw cause instanceof AgentError ? cause : new AgentError('output_failed', { cause });
	}
}

/** @throws {AgentError} `session_file_exists`, `output_unsafe`, `output_failed` */
export async function writeSessionFile(path: string, session: AgentSession): Promise<void> {
	await privateFolder(dirname(path));
	let file: FileHandle;
	try {
		file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NOFOLLOW, 0o600);
	} catch (cause) {
		throw new AgentError(errno(cause) === 'EEXIST' ? 'session_file_exists' : 'output_failed', { cause });
	}
	try {
		await file.writeFile(`${JSON.stringify(session, null, '\t')}\n`);
		await file.sync();
	} catch (cause) {
		throw new AgentError('output_failed', { cause });
	} finally {
		await file.close();
	}
}

/** @throws {AgentError} `session_file_missing`, `session_file_unsafe`, `session_file_invalid` */
export async function readSessionFile(path: string): Promise<AgentSession> {
	const file = await openOwn(path, constants.O_RDONLY);
	try {
		const { size } = await file.stat();
		if (size > 64 * 1024) throw new AgentError('session_file_invalid');
		const session = v.parse(AgentSession, JSON.parse(await file.readFile('utf8')));
		if (relayOrigin(session.relay) !== session.relay) throw new AgentError('relay_url_invalid');
		return session;
	} catch (cause) {
		// A parser's message can quote what it could not read, which here is keys: no cause.
		throw cause instanceof AgentError && cause.code === 'session_file_invalid'
			? cause
			: new AgentError('session_file_invalid');
	} finally {
		await file.close();
	}
}

/**
 * Overwrites and unlinks; a file that is not there is fine. On a copying or journaling file system, or flash, old
 * octets may survive below: full-disk encryption is what helps there.
 * @throws {AgentError} `session_file_unsafe`, `output_failed`
 */
export async function wipeSessionFile(path: string): Promise<void> {
	try {
		const file = await openOwn(path, constants.O_RDWR);
		try {
			const { size } = await file.stat();
			await file.write(randomBytes(size), 0, size, 0);
			await file.sync();
		} finally {
			await file.close();
		}
		await unlink(path);
	} catch (cause) {
		if (cause instanceof AgentError) {
			if (cause.code === 'session_file_missing') return;
			throw cause;
		}
		throw new AgentError('output_failed', { cause });
	}
}

async function openOwn(path: string, flags: number): Promise<FileHandle> {
	let file: FileHandle;
	try {
		// NONBLOCK: opening a FIFO must not hang.
		file = await open(path, flags | NOFOLLOW | (constants.O_NONBLOCK ?? 0));
	} catch (cause) {
		const code = errno(cause);
		if (code === 'ENOENT') throw new AgentError('session_file_missing', { cause });
		throw new AgentError(code === 'ELOOP' ? 'session_file_unsafe' : 'session_file_invalid', { cause });
	}
	const there = await file.stat();
	const own = uid === undefined || (there.uid === uid && !(there.mode & 0o077));
	if (there.isFile() && there.nlink === 1 && own) return file;
	await file.close();
	throw new AgentError('session_file_unsafe');
}
