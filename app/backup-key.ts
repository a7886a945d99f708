/**
 * The key of a backup, made of its passphrase: scrypt (RFC 7914), which costs a guesser 128 MiB a guess. Here and not in the
 * worker, because it takes seconds and the worker must answer meanwhile. It yields, so the page stays usable.
 *
 * N = 2^17, r = 8, p = 1 takes about 1 s on one core (Node 20), with pauses below 0.1 s.
 */
import { scryptAsync } from '@noble/hashes/scrypt.js';
import type { Kdf } from '../sw/contract.js';
import { decode, encode } from './base64url.js';

/** Parameters for a new backup, with a salt of its own. */
export function newKdf(): Kdf {
	return { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: encode(crypto.getRandomValues(new Uint8Array(16))) };
}

/**
 * @param onProgress gets 0 to 1
 * @returns an AES-256-GCM key that cannot be read, not even by this page
 */
export async function backupKey(
	passphrase: string,
	{ N, r, p, salt }: Kdf,
	onProgress: (part: number) => void,
): Promise<CryptoKey> {
	// Keyboards differ in how they write the same letter (RFC 8265, section 4.2.1).
	const text = passphrase.normalize('NFC');
	const bytes = await scryptAsync(text, decode(salt), { N, r, p, dkLen: 32, asyncTick: 16, onProgress });
	try {
		return await crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, [
			'encrypt',
			'decrypt',
		]);
	} finally {
		bytes.fill(0);
	}
}
