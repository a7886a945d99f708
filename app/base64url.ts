/** Base64url without padding (RFC 4648, section 5); browsers' own is too new. */
export function encode(octets: Uint8Array): string {
	const text = btoa(String.fromCharCode(...octets));
	return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @throws {DOMException} `InvalidCharacterError` */
export function decode(text: string): Uint8Array<ArrayBuffer> {
	const octets = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
	return Uint8Array.from(octets, (character) => character.charCodeAt(0));
}
