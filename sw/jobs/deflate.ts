/**
 * Deflated octets by the browser's own gzip: a member without its header and trailer is a raw deflate stream, and the trailer
 * holds the checksum and the length that a zip needs (RFC 1952, section 2.3). No library of our own bundle is as quick.
 */

export interface Deflater {
	/** The next piece of what goes in; resolves when there is room for another. */
	push(piece: Uint8Array): Promise<void>;
	/** @returns CRC-32 and octets of all that went in */
	end(): Promise<{ crc: number; size: number }>;
}

/** What the compressor writes: ten octets without optional fields. */
const HEADER = 10;
const TRAILER = 8;

/** @param take gets the deflated octets in order; what it throws fails `push` or `end` */
export function deflater(take: (octets: Uint8Array<ArrayBuffer>) => Promise<void>): Deflater {
	const { readable, writable } = new CompressionStream('gzip');
	const writer = writable.getWriter();
	const trailer = strip(readable, take);
	// A failure reaches whoever pushes or ends; until then it is not unhandled.
	trailer.catch((reason) => writer.abort(reason).catch(() => {}));
	return {
		async push(piece) {
			await writer.ready;
			// `BufferSource` leaves out shared memory, which nothing here has.
			await writer.write(piece as Uint8Array<ArrayBuffer>);
		},
		async end() {
			await writer.close().catch(() => {});
			const view = new DataView((await trailer).buffer);
			return { crc: view.getUint32(0, true), size: view.getUint32(4, true) };
		},
	};
}

/** Passes on what lies between header and trailer. @returns the trailer */
async function strip(
	readable: ReadableStream<Uint8Array>,
	take: (octets: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
	let held = new Uint8Array(0);
	let header = HEADER;
	for (const reader = readable.getReader(); ; ) {
		const { done, value } = await reader.read();
		if (done) return held;
		const all = new Uint8Array(held.length + value.length);
		all.set(held);
		all.set(value, held.length);
		const from = Math.min(header, all.length);
		header -= from;
		const to = Math.max(from, all.length - TRAILER);
		if (to > from) await take(all.subarray(from, to));
		held = all.slice(to);
	}
}
