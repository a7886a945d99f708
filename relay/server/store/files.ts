/** Files that are there as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../errors.js';

const CHUNK = 256 * 1024;

/** A directory only its owner can enter, also when it was there before with other rights. */
export async function privateDirectory(path: string): Promise<void> {
	await mkdir(path, { recursive: true, mode: 0o700 });
	await chmod(path, 0o700);
}

/** Makes a rename in the directory survive a loss of power. */
export async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}

/** Files are written here under random names and moved into place when they are complete and on disk. */
export class Staging {
	constructor(readonly path: string) {}

	/** Forgets what a process that died had begun. */
	async clear(): Promise<void> {
		await rm(this.path, { recursive: true, force: true });
		await privateDirectory(this.path);
	}

	/**
	 * Writes `body` and syncs it. The answer is moved with `place` or dropped with `discard`. When `body` throws,
	 * nothing is left.
	 * @throws {RelayError} `bad_request` unless `body` has exactly `bytes` octets.
	 */
	async write(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Staged> {
		const path = join(this.path, randomBytes(16).toString('hex'));
		const file = await open(path, 'wx', 0o600);
		try {
			try {
				await writeExactly(file, body, bytes);
				await file.sync();
			} finally {
				await file.close();
			}
		} catch (cause) {
			await rm(path, { force: true });
			throw cause;
		}
		return new Staged(path);
	}

	/** Replaces the file `name` in `directory` by `content`, and only returns when that is durable. */
	async replace(directory: string, name: string, content: string): Promise<void> {
		const octets = new TextEncoder().encode(content);
		const staged = await this.write(once(octets), octets.length);
		await staged.place(directory, name);
	}
}

export class Staged {
	constructor(readonly path: string) {}

	async place(directory: string, name: string): Promise<void> {
		try {
			await rename(this.path, join(directory, name));
		} catch (cause) {
			await this.discard();
			throw cause;
		}
		await syncDirectory(directory);
	}

	async discard(): Promise<void> {
		await rm(this.path, { force: true });
	}
}

async function writeExactly(file: FileHandle, body: AsyncIterable<Uint8Array>, bytes: number): Promise<void> {
	let written = 0;
	for await (const chunk of body) {
		if (written + chunk.length > bytes) throw new RelayError('bad_request');
		await file.writeFile(chunk);
		written += chunk.length;
	}
	if (written !== bytes) throw new RelayError('bad_request');
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
	yield octets;
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
				} catch (cause) {
					await file?.close().catch(() => undefined);
					// The socket's adapter may show an error's text: it must not be one with a path in it.
					controller.error(new RelayError('session_gone', { cause }));
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
		if (isMissing(cause)) return null;
		throw cause;
	}
}

/** The names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
	try {
		return await readdir(path);
	} catch (cause) {
		if (isMissing(cause)) return [];
		throw cause;
	}
}

function isMissing(cause: unknown): boolean {
	return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
