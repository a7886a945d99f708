/** Octets on their way to Redis: in bounded pieces. */
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
