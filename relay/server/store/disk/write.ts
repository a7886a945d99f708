/** Writing a body into a file: reading goes on while what came before is being written. */
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { RelayError } from '../../errors.js';

/** What is written at once, at most. */
const BUFFER_BYTES = 512 * 1024;

/** For all uploads together: 32 MiB. */
const MOST_BUFFERS = 64;

/**
 * Memory in which uploads gather what they write, used again and again: chunks that wait for a write as they came live long enough to
 * cost a full garbage collection every few megabytes. An upload has a buffer only while it writes, so that slow ones need none.
 */
export class BufferPool {
	#free: Buffer[] = [];
	#made = 0;

	/** Null when all are in use. */
	take(): Buffer | null {
		const buffer = this.#free.pop();
		if (buffer || this.#made === MOST_BUFFERS) return buffer ?? null;
		this.#made++;
		return Buffer.allocUnsafeSlow(BUFFER_BYTES);
	}

	give(buffer: Buffer): void {
		this.#free.push(buffer);
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
	pool: BufferPool,
): Promise<void> {
	const gathered = new Gathered(file, pool);
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
	#buffer: Buffer | null = null;
	#filled = 0;
	#writing: Promise<void> | null = null;

	constructor(
		private readonly file: FileHandle,
		private readonly pool: BufferPool,
	) {}

	/** Waits where there is no room. */
	async add(chunk: Uint8Array): Promise<void> {
		for (let rest = chunk; rest.length > 0; ) {
			this.#buffer ??= this.pool.take();
			if (!this.#buffer) {
				await this.#writing;
				await this.file.writeFile(rest);
				return;
			}
			const part = rest.subarray(0, BUFFER_BYTES - this.#filled);
			this.#buffer.set(part, this.#filled);
			this.#filled += part.length;
			rest = rest.subarray(part.length);
			this.#writing ??= this.#write();
			if (this.#filled === BUFFER_BYTES) await this.#writing;
		}
	}

	/** @throws what a write failed with */
	async written(): Promise<void> {
		await this.#writing;
	}

	/** What a write that failed has left. */
	release(): void {
		if (this.#buffer) this.pool.give(this.#buffer);
		this.#buffer = null;
	}

	#write(): Promise<void> {
		const writing = this.#writeAll();
		// Whoever adds or waits hears of a failure; perhaps later than it happens.
		writing.catch(() => undefined);
		return writing;
	}

	async #writeAll(): Promise<void> {
		await setImmediate();
		while (this.#buffer) {
			const [buffer, filled] = [this.#buffer, this.#filled];
			this.#buffer = null;
			this.#filled = 0;
			await this.file.writeFile(buffer.subarray(0, filled)).finally(() => this.pool.give(buffer));
		}
		this.#writing = null;
	}
}
