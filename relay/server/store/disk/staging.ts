/** Where files are written under random names, and moved into place when they are complete and on the disk. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Turns } from '../turns.js';
import { namesIn, privateDirectory } from './files.js';
import { SharedSync } from './shared-sync.js';
import { Slabs, writeExactly } from './write.js';

export class Staging {
	#slabs = new Slabs();
	#syncs = new Turns(3);
	#directories = new SharedSync(this.#syncs);
	/** What is being written or waits to be placed. */
	#names = new Set<string>();

	constructor(readonly path: string) {}

	make(): Promise<void> {
		return privateDirectory(this.path);
	}

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
				await writeExactly(file, body, bytes, this.#slabs);
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

	/** @throws when nothing can be written */
	async probe(): Promise<void> {
		const path = join(this.path, randomBytes(16).toString('hex'));
		try {
			const file = await open(path, 'wx', 0o600);
			// An octet, because a full disk still takes an empty file.
			await file.write('.').finally(() => file.close());
		} finally {
			await rm(path, { force: true });
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
