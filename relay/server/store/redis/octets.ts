/** Octets on their way to and from Redis: in bounded pieces, and few of them at a time. */
import { RelayError } from '../../errors.js';

/** The largest piece. Four times as much was no faster. */
const PIECE = 256 * 1024;
const SMALLEST_PIECE = 32 * 1024;
/** What all uploads of this process hold in pieces. The more there are, the smaller their pieces. */
const HELD = 64 * 1024 * 1024;
/** How long octets of a slow body are held back. */
const PATIENCE_MS = 2000;

/**
 * The body in pieces: full ones, except for the last and for those of a body that comes slowly. `uploads` is how many there are now.
 * @throws {RelayError} `bad_request` unless it has exactly `bytes` octets
 */
export async function* pieces(
	body: AsyncIterable<Uint8Array>,
	bytes: number,
	uploads: () => number,
	patienceMs: number,
): AsyncGenerator<Buffer> {
	let left = bytes;
	let filled = 0;
	let since = 0;
	const make = () => {
		since = performance.now();
		filled = 0;
		const size = Math.max(SMALLEST_PIECE, Math.min(PIECE, Math.floor(HELD / uploads())));
		return Buffer.allocUnsafeSlow(Math.min(size, left));
	};
	let piece = make();
	for await (const chunk of body) {
		if (chunk.length > left) throw new RelayError('bad_request');
		for (let at = 0; at < chunk.length; ) {
			const some = chunk.subarray(at, at + piece.length - filled);
			piece.set(some, filled);
			filled += some.length;
			at += some.length;
			left -= some.length;
			const waited = performance.now() - since > Math.min(patienceMs, PATIENCE_MS);
			if (filled < piece.length && !waited) continue;
			yield piece.subarray(0, filled);
			piece = make();
		}
	}
	if (left > 0) throw new RelayError('bad_request');
}

/** Reads a body to its end, for what is there already. @throws {RelayError} `bad_request` unless it has so many octets */
export async function drain(body: AsyncIterable<Uint8Array>, bytes: number): Promise<void> {
	let read = 0;
	for await (const chunk of body) {
		read += chunk.length;
		if (read > bytes) break;
	}
	if (read !== bytes) throw new RelayError('bad_request');
}

/** `bytes` octets that `read` gives piece by piece, as they are pulled. What has gone in between ends it with an error. */
export function streamOf(
	bytes: number,
	read: (from: number, length: number) => Promise<Buffer | null>,
): ReadableStream<Uint8Array> {
	let at = 0;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				const length = Math.min(PIECE, bytes - at);
				const piece = await read(at, length);
				if (piece?.length !== length) throw new RelayError('session_gone');
				at += length;
				if (length > 0) controller.enqueue(piece);
				if (at === bytes) controller.close();
			},
		},
		{ highWaterMark: 0 },
	);
}

/**
 * At most `most` tasks at a time, in order. Pieces that wait for their turn are not yet with the client, so that its time limit
 * measures Redis and not their number.
 */
export class Turns {
	#free: number;
	#waiting: (() => void)[] = [];

	constructor(most: number) {
		this.#free = most;
	}

	async run<T>(task: () => Promise<T>): Promise<T> {
		if (this.#free > 0) this.#free--;
		else await new Promise<void>((resolve) => this.#waiting.push(resolve));
		try {
			return await task();
		} finally {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#free++;
		}
	}
}
