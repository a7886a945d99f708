import { scryptSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { backupKey, newKdf } from '../../app/backup-key.js';
import { SHORTEST, strength } from '../../app/passphrase.js';
import { backup } from '../../app/words/backup.js';

/** As new ones are made, but quicker. */
const quick = { ...newKdf(), N: 2 ** 12 };

describe('the key of a backup', () => {
	it('is scrypt of the passphrase and salt, as another implementation makes it', async () => {
		const parts: number[] = [];
		const key = await backupKey('violet anchor seventeen', quick, (part) => parts.push(part));
		const { N, r, p, salt } = quick;
		const octets = scryptSync('violet anchor seventeen', Buffer.from(salt, 'base64url'), 32, { N, r, p });
		const file = await new CompactEncrypt(Buffer.from('hello'))
			.setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
			.encrypt(octets);
		expect(Buffer.from((await compactDecrypt(file, key)).plaintext).toString()).toBe('hello');
		expect(parts.at(-1)).toBe(1);
		expect(parts.length).toBeGreaterThan(5);
	});

	it('cannot be read out, and opens and seals only', async () => {
		const key = await backupKey('violet anchor seventeen', quick, () => {});
		expect([key.extractable, key.algorithm, key.usages]).toEqual([
			false,
			{ name: 'AES-GCM', length: 256 },
			['encrypt', 'decrypt'],
		]);
	});

	it('is the same however a keyboard writes the same letters', async () => {
		const [a, b] = await Promise.all(
			['äpfel und zimt', 'a\u0308pfel und zimt'].map((text) => backupKey(text, quick, () => {})),
		);
		const iv = new Uint8Array(12);
		const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, a!, new Uint8Array(4));
		expect(new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, b!, sealed))).toEqual(new Uint8Array(4));
	});

	it('has a salt of its own for each backup, of 16 octets, and takes 128 MiB a guess', () => {
		const [one, two] = [newKdf(), newKdf()];
		expect(one.salt).not.toBe(two.salt);
		for (const { salt } of [one, two]) {
			expect(salt).toMatch(/^[A-Za-z0-9_-]{22}$/);
			expect(Buffer.from(salt, 'base64url')).toHaveLength(16);
		}
		expect(128 * one.N * one.r).toBe(128 * 1024 * 1024);
	});
});

describe('a passphrase', () => {
	it.each([
		['', 'short'],
		['x'.repeat(SHORTEST - 1), 'short'],
		['😀'.repeat(SHORTEST - 1), 'short'],
		['a'.repeat(40), 'simple'],
		['abcabcabcabcabc', 'simple'],
		['AaBbCcAaBbCcAaBbCc', 'simple'],
		['korrekt pferd', 'fair'],
		['violet anchor seventeen rivers', 'good'],
	] as const)('"%s" is %s', (text, what) => {
		expect(strength(text)).toBe(what);
	});

	it('is told how short is too short with the number that is checked', () => {
		expect(backup.strength.short).toContain(`${SHORTEST} characters`);
		expect(backup.hint).toContain(`${SHORTEST} characters`);
	});
});
