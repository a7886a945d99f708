/** Where files are written under random names, and moved into place when they are complete and on the disk. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.js';
import { Semaphore } from '../semaphore.js';
import { namesIn } from './files.js';
import { SharedSync } from './shared-sync.js';
import { BufferPool, writeExactly } from './write.js';

/** Each sync holds one of Node's four threads for as long as the disk takes: three keep the disk busy and leave one to the others. */
const SYNCS = 3;

/** A full disk, or a full quota. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

export class Staging {
	#buffers = new BufferPool();
	#syncs = new Semaphore(SYNCS);
	#directories = new SharedSync(this.#syncs);
	/** What is being written or waits to be placed. */
	#names = new Set<string>();

	constructor(readonly path: string) {}

	/** Removes what nobody writes: a process that died had begun it, or could not remove it. */
	async clear(): Promise<void> {
		for (const name of await namesIn(this.path)) {
			if (!this.#names.has(name)) await rm(join(this.path, name), { recursive: true, force: true });
		}
	}

	/**
	 * Writes `body` and has it on the disk. The answer is moved with `place` or dropped with `discard`. When `body` throws, nothing is
	 * left.
	 * @throws {RelayError} `bad_request` unless `body` has exactly `bytes` octets.
	 */
	async write(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Staged> {
		const name = randomBytes(16).toString('hex');
		this.#names.add(name);
		const staged = new Staged(join(this.path, name), () => this.#names.delete(name));
		try {
			const file = await open(staged.path, 'wx', 0o600);
			try {
				await writeExactly(file, body, bytes, this.#buffers);
				await this.#syncs.run(() => file.datasync());
			} finally {
				await file.close();
			}
		} catch (cause) {
			await staged.discard().catch(() => undefined);
			throw cause;
		}
		return staged;
	}

	/** Replaces the file `name` in `directory` by `content`, and only returns when that is durable. */
	async replace(directory: string, name: string, content: string): Promise<void> {
		const octets = new TextEncoder().encode(content);
		const staged = await this.write(once(octets), octets.length);
		await staged.place(directory, name);
		await this.sync(directory);
	}

	/** Makes what was placed in `directory` before this call survive a loss of power. */
	sync(directory: string): Promise<void> {
		return this.#directories.sync(directory);
	}

	/** @throws when nothing can be deleted here. That the disk is full is no reason: an empty file needs no room, and mostly can be made. */
	async probe(): Promise<void> {
		const path = join(this.path, randomBytes(16).toString('hex'));
		try {
			await (await open(path, 'wx', 0o600)).close();
			await rm(path);
		} catch (cause) {
			await rm(path, { force: true }).catch(() => undefined);
			if (!FULL.has(systemCode(cause) ?? '')) throw cause;
		}
	}
}

/** A file that waits. */
export class Staged {
	#placed = false;

	constructor(
		readonly path: string,
		private readonly over: () => void,
	) {}

	/** Not durable before the directory was synced. */
	async place(directory: string, name: string): Promise<void> {
		try {
			await rename(this.path, join(directory, name));
			this.#placed = true;
			this.over();
		} catch (cause) {
			await this.discard().catch(() => undefined);
			throw cause;
		}
	}

	/** A file that was placed stays. */
	async discard(): Promise<void> {
		if (this.#placed) return;
		// When it cannot be removed, `clear` may try again.
		this.over();
		await rm(this.path, { force: true });
	}
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
	yield octets;
}
