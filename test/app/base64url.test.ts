import { expect, test } from 'vitest';
import { decode, encode } from '../../app/base64url.js';

test('every octet goes to base64url and back, as another implementation writes it', () => {
	for (let length = 0; length < 260; length++) {
		const octets = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256);
		expect(encode(octets)).toBe(Buffer.from(octets).toString('base64url'));
		expect(decode(encode(octets))).toEqual(octets);
	}
});

test('what is no base64url is refused', () => {
	expect(() => decode('a!')).toThrow();
});
