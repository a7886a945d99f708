/** Files and folders of the data directory, each as it should be or not there. */
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../errors.js';

/** A directory only its owner can enter, also when it was there before with other rights. */
export async function privateDirectory(path: string): Promise<void> {
	await makeDirectory(path);
	await chmod(path, 0o700);
}

/** With its parents. Node's own recursive `mkdir` never returns below /proc, where nothing can be made. */
async function makeDirectory(path: string): Promise<void> {
	const make = () => mkdir(path, { mode: 0o700 });
	try {
		await make();
	} catch (cause) {
		if (systemCode(cause) === 'EEXIST' && (await stat(path)).isDirectory()) return;
		if (systemCode(cause) !== 'ENOENT' || dirname(path) === path) throw cause;
		await makeDirectory(dirname(path));
		await make().catch((again: unknown) => {
			if (systemCode(again) !== 'EEXIST') throw again;
		});
	}
}

/** What is not there, or is no file: a folder, a link, a socket. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO']);

/** A file that can be read; null when there is no such file. A link is not followed, and a pipe is not waited for. */
export async function openIfThere(path: string): Promise<FileHandle | null> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
		if ((await file.stat()).isFile()) return file;
		await file.close();
		return null;
	} catch (cause) {
		await file?.close().catch(() => undefined);
		if (ABSENT.has(systemCode(cause) ?? '')) return null;
		throw cause;
	}
}

/** Null when there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
	const file = await openIfThere(path);
	if (!file) return null;
	try {
		return await file.readFile('utf8');
	} finally {
		await file.close();
	}
}

/** The names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
	try {
		return await readdir(path);
	} catch (cause) {
		if (ABSENT.has(systemCode(cause) ?? '')) return [];
		throw cause;
	}
}
