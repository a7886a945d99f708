/** The pieces in one buffer. A single piece that fills its buffer is that buffer, not a copy. */
export function concat(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
	const [first] = pieces;
	if (first && pieces.length === 1 && first.length === first.buffer.byteLength) return first as Uint8Array<ArrayBuffer>;
	const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
	let offset = 0;
	for (const piece of pieces) {
		whole.set(piece, offset);
		offset += piece.length;
	}
	return whole;
}
