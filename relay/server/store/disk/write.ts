/** Writing a body into a file: reading goes on while what came before is being written. */
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { RelayError } from '../../errors.js';

/** What is written at once, at most. */
const SLAB_BYTES = 512 * 1024;

/** For all uploads together: 32 MiB. */
const MOST_SLABS = 64;

/**
 * Memory in which uploads gather what they write, used again and again: chunks that wait for a write as they came live long enough to
 * cost a full garbage collection every few megabytes. An upload has a slab only while it writes, so that slow ones need none.
 */
export class Slabs {
	#free: Buffer[] = [];
	#made = 0;

	/** Null when all are in use. */
	take(): Buffer | null {
		const slab = this.#free.pop();
		if (slab || this.#made === MOST_SLABS) return slab ?? null;
		this.#made++;
		return Buffer.allocUnsafeSlow(SLAB_BYTES);
	}

	give(slab: Buffer): void {
		this.#free.push(slab);
	}
}

/**
 * What the socket has at once, and what arrives during a write, becomes one write.
 * @throws {RelayError} `bad_request` unless `body` has exactly `bytes` octets
 */
export async function writeExactly(
	file: FileHandle,
	body: AsyncIterable<Uint8Array>,
	bytes: number,
	slabs: Slabs,
): Promise<void> {
	const gathered = new Gathered(file, slabs);
	let read = 0;
	try {
		for await (const chunk of body) {
			read += chunk.length;
			if (read > bytes) throw new RelayError('bad_request');
			await gathered.add(chunk);
		}
		if (read !== bytes) throw new RelayError('bad_request');
		await gathered.written();
	} finally {
		// The file must not be closed under a write.
		await gathered.written().catch(() => undefined);
		gathered.release();
	}
}

class Gathered {
	#slab: Buffer | null = null;
	#filled = 0;
	#writing: Promise<void> | null = null;

	constructor(
		private readonly file: FileHandle,
		private readonly slabs: Slabs,
	) {}

	/** Waits where there is no room. */
	async add(chunk: Uint8Array): Promise<void> {
		for (let rest = chunk; rest.length > 0; ) {
			this.#slab ??= this.slabs.take();
			if (!this.#slab) {
				await this.#writing;
				await this.file.writeFile(rest);
				return;
			}
			const part = rest.subarray(0, SLAB_BYTES - this.#filled);
			this.#slab.set(part, this.#filled);
			this.#filled += part.length;
			rest = rest.subarray(part.length);
			this.#writing ??= this.#write();
			if (this.#filled === SLAB_BYTES) await this.#writing;
		}
	}

	/** @throws what a write failed with */
	async written(): Promise<void> {
		await this.#writing;
	}

	/** What a write that failed has left. */
	release(): void {
		if (this.#slab) this.slabs.give(this.#slab);
		this.#slab = null;
	}

	#write(): Promise<void> {
		const writing = this.#writeAll();
		// Whoever adds or waits hears of a failure; perhaps later than it happens.
		writing.catch(() => undefined);
		return writing;
	}

	async #writeAll(): Promise<void> {
		await setImmediate();
		while (this.#slab) {
			const [slab, filled] = [this.#slab, this.#filled];
			this.#slab = null;
			this.#filled = 0;
			await this.file.writeFile(slab.subarray(0, filled)).finally(() => this.slabs.give(slab));
		}
		this.#writing = null;
	}
}
