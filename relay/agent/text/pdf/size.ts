/** What a PDF unpacks to, known before pdf.js unpacks it: that keeps whole streams in memory, and no step of it can be stopped. */
import { inflateSync } from 'node:zlib';
import { MAX_UNPACKED } from '../limits.js';

/**
 * Whether the packed streams (Flate; the others cannot grow a thousandfold) come to more than is read. Streams that are packed
 * twice or encrypted are not seen through.
 */
export function unpacksTooFar(octets: Uint8Array): boolean {
	const file = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
	let left = MAX_UNPACKED;
	for (let at = file.indexOf('stream'); at !== -1; at = file.indexOf('stream', at)) {
		at += 'stream'.length;
		if (file[at] === 0x0d) at++;
		if (file[at] === 0x0a) at++;
		// A zlib header: deflate, and a check sum of five bits.
		if ((file[at]! & 0x0f) !== 8 || ((file[at]! << 8) | file[at + 1]!) % 31 !== 0) continue;
		const end = file.indexOf('endstream', at);
		const packed = file.subarray(at, end === -1 ? undefined : end);
		// Deflate makes 1032 of one at most: what cannot be too much is not unpacked to see.
		if (packed.length * 1032 < MAX_UNPACKED / 1000) continue;
		try {
			left -= inflateSync(packed, { maxOutputLength: left + 1 }).length;
		} catch (cause) {
			if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return true;
		}
		if (left < 0) return true;
	}
	return false;
}
