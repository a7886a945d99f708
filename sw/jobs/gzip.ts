/** gzip by the browser's own streams: one member in, one member out. */
import { concat } from '../octets.js';

/** What is compressed in one turn, in octets: the browser does it on this thread, which has answers to take in too. */
const TURN = 256 * 1024;

export function gzip(...pieces: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
	return through(pieces, new CompressionStream('gzip'));
}

export function gunzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
	return through([bytes], new DecompressionStream('gzip'));
}

async function through(
	pieces: Uint8Array[],
	{ readable, writable }: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
	// What goes wrong with writing fails the reading, which is waited for.
	write(pieces, writable.getWriter()).catch(() => {});
	const made: Uint8Array[] = [];
	for (const reader = readable.getReader(); ; ) {
		const { done, value } = await reader.read();
		if (done) return concat(made);
		made.push(value);
	}
}

async function write(pieces: Uint8Array[], writer: WritableStreamDefaultWriter<BufferSource>): Promise<void> {
	for (const piece of pieces) {
		for (let from = 0; from < piece.length; from += TURN)
			// `BufferSource` leaves out shared memory, which nothing here has.
			await writer.write(piece.subarray(from, from + TURN) as Uint8Array<ArrayBuffer>);
	}
	await writer.close();
}
