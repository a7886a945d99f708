/** Opening what lies in a delivery: regular files, on a way without links, by names that we give. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.js';

/** A FIFO must not hang, and a link not be followed; Windows has neither flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * @param names from the folder of the delivery down, each checked by the caller
 * @throws {AgentError} `records_damaged`
 */
export async function openFile(dir: string, ...names: string[]): Promise<FileHandle> {
	let file: FileHandle | undefined;
	try {
		for (let depth = 1; depth < names.length; depth++) {
			const folder = await lstat(join(dir, ...names.slice(0, depth)));
			if (!folder.isDirectory()) throw new AgentError('records_damaged');
		}
		const path = join(dir, ...names);
		// Where the system has no O_NOFOLLOW.
		if ((await lstat(path)).isSymbolicLink()) throw new AgentError('records_damaged');
		file = await open(path, FLAGS);
		if (!(await file.stat()).isFile()) throw new AgentError('records_damaged');
		return file;
	} catch (cause) {
		await file?.close();
		throw damaged(cause);
	}
}

/** All of a file of at most `most` octets. @throws {AgentError} `records_damaged` */
export async function readWhole(file: FileHandle, most: number): Promise<Buffer> {
	try {
		const { size } = await file.stat();
		if (size > most) throw new AgentError('records_damaged');
		return await file.readFile();
	} catch (cause) {
		throw damaged(cause);
	} finally {
		await file.close();
	}
}

export function damaged(cause: unknown): AgentError {
	return cause instanceof AgentError ? cause : new AgentError('records_damaged', { cause });
}
