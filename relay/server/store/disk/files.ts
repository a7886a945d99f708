/** Files that are there as a whole or not at all. */
import { chmod, type FileHandle, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RelayError } from '../../errors.js';

const CHUNK = 256 * 1024;

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
		if (codeOf(cause) === 'EEXIST' && (await stat(path)).isDirectory()) return;
		if (codeOf(cause) !== 'ENOENT' || dirname(path) === path) throw cause;
		await makeDirectory(dirname(path));
		await make().catch((again: unknown) => {
			if (codeOf(again) !== 'EEXIST') throw again;
		});
	}
}

/** The octets of a file. It is opened when first pulled, so a body nobody reads holds nothing. */
export function fileStream(path: string): ReadableStream<Uint8Array> {
	let file: FileHandle | undefined;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					file ??= await open(path, 'r');
					const chunk = new Uint8Array(CHUNK);
					const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
					if (bytesRead > 0) return controller.enqueue(chunk.subarray(0, bytesRead));
					await file.close();
					controller.close();
				} catch {
					await file?.close().catch(() => undefined);
					// The socket's adapter prints an error and its cause: neither must be one with a path in it.
					controller.error(new RelayError('session_gone'));
				}
			},
			async cancel() {
				await file?.close();
			},
		},
		{ highWaterMark: 0 },
	);
}

/** Null when there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (cause) {
		if (codeOf(cause) === 'ENOENT') return null;
		throw cause;
	}
}

/** The names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
	try {
		return await readdir(path);
	} catch (cause) {
		if (codeOf(cause) === 'ENOENT') return [];
		throw cause;
	}
}

/** The system's code of an error. */
export function codeOf(thrown: unknown): string | undefined {
	return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
}
