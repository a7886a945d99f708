/** Answers far larger than any memory, made only as they are taken. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import type { FaultAction } from './faults.js';

const PIECE = 2 ** 20;

/**
 * Sends `octets` of nothing but `x` until the reader has them or leaves.
 * @param taken told of what was handed to the connection, in octets as they are on the wire
 */
export async function flood(
	res: ServerResponse,
	contentType: string,
	{ octets, as = 'length' }: NonNullable<FaultAction['flood']>,
	taken: (octets: number) => void,
): Promise<void> {
	res.writeHead(200, {
		'Content-Type': contentType,
		'Cache-Control': 'no-store',
		...(as === 'length' ? { 'Content-Length': String(octets) } : {}),
		...(as === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
	});
	function* pieces(): Generator<Buffer> {
		for (const piece of as === 'gzip' ? zipped(octets) : plain(octets)) {
			taken(piece.length);
			yield piece;
		}
	}
	await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), res).catch((error: NodeJS.ErrnoException) => {
		if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
	});
}

function* plain(octets: number): Generator<Buffer> {
	const piece = Buffer.alloc(PIECE, 'x');
	for (let left = octets; left > 0; left -= PIECE) yield left < PIECE ? piece.subarray(0, left) : piece;
}

/** One gzip member (RFC 1952), a thousandth of what it unpacks to: the same block again and again. */
function* zipped(octets: number): Generator<Buffer> {
	yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
	const raw = Buffer.alloc(PIECE, 'x');
	// A full flush ends at an octet and looks at nothing before it, so that the block can be repeated.
	const block = (of: Buffer) => deflateRawSync(of, { finishFlush: constants.Z_FULL_FLUSH });
	const whole = block(raw);
	let sum = 0;
	for (let left = octets; left > 0; left -= PIECE) {
		const part = left < PIECE ? raw.subarray(0, left) : raw;
		sum = crc32(part, sum);
		yield part === raw ? whole : block(part);
	}
	const end = Buffer.alloc(10);
	// An empty last block, with fixed codes.
	end.writeUInt16LE(3, 0);
	end.writeUInt32LE(sum, 2);
	end.writeUInt32LE(octets % 2 ** 32, 6);
	yield end;
}
