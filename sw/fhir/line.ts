/** One resource of the stream: NDJSON without its line end. */
export interface Line {
	type: string;
	/** Null where the resource has none. */
	id: string | null;
	/** UTF-8; where possible a view into the answer that brought it. */
	octets: Uint8Array;
}

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true });
const lenient = new TextDecoder();

export function encode(text: string): Uint8Array {
	return encoder.encode(text);
}

/**
 * An answer as text, and the octets of exactly that text: its own, without a byte order mark. Octets that are not
 * UTF-8 become U+FFFD in both.
 */
export function decode(bytes: Uint8Array): { text: string; octets: Uint8Array } {
	try {
		const text = strict.decode(bytes);
		const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
		return { text, octets: marked ? bytes.subarray(3) : bytes };
	} catch {
		const text = lenient.decode(bytes);
		return { text, octets: encode(text) };
	}
}
