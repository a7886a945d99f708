/** What is stored where: IndexedDB and the rest as a page of the origin sees them, and files on disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';

/** The kind of every row of the wallet (`connection`, `chunk`, …). */
export function rowKinds(page: Page): Promise<string[]> {
	return page.evaluate(async () => {
		const done = <T>(request: IDBRequest<T>) =>
			new Promise<T>((resolve, reject) => {
				request.onsuccess = () => resolve(request.result);
				request.onerror = () => reject(request.error);
			});
		const db = await done(indexedDB.open('satchel'));
		const keys = await done(db.transaction('wallet').objectStore('wallet').getAllKeys());
		db.close();
		return keys.map((key) => String((key as unknown[])[0]));
	});
}

/** Everything a page of this origin can read: each string and each buffer of every store, as octets. */
export async function everythingStored(page: Page): Promise<Buffer[]> {
	const pieces = await page.evaluate(async () => {
		const found: string[] = [];
		const octets = (bytes: Uint8Array) => {
			let text = '';
			for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
			found.push(btoa(text));
		};
		const text = (value: string) => octets(new TextEncoder().encode(value));
		const walk = (value: unknown): void => {
			if (typeof value === 'string') text(value);
			else if (value instanceof ArrayBuffer) octets(new Uint8Array(value));
			else if (ArrayBuffer.isView(value)) octets(new Uint8Array(value.buffer));
			else if (value instanceof CryptoKey) text(`key, extractable: ${value.extractable}`);
			else if (Array.isArray(value)) value.forEach(walk);
			else if (typeof value === 'object' && value !== null) for (const pair of Object.entries(value)) walk(pair);
		};
		const done = <T>(request: IDBRequest<T>) =>
			new Promise<T>((resolve, reject) => {
				request.onsuccess = () => resolve(request.result);
				request.onerror = () => reject(request.error);
			});
		for (const { name } of await indexedDB.databases()) {
			const db = await done(indexedDB.open(String(name)));
			for (const store of db.objectStoreNames) {
				const rows = db.transaction(store).objectStore(store);
				walk(await Promise.all([done(rows.getAllKeys()), done(rows.getAll())]));
			}
			db.close();
		}
		for (const name of await caches.keys()) {
			const cache = await caches.open(name);
			for (const request of await cache.keys()) {
				const response = await cache.match(request);
				walk([request.url, [...request.headers], [...(response?.headers ?? [])], await response?.arrayBuffer()]);
			}
		}
		walk([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, history.state]);
		return found;
	});
	return pieces.map((piece) => Buffer.from(piece, 'base64'));
}

export async function filesBelow(dir: string): Promise<{ name: string; octets: Buffer }[]> {
	const entries = await readdir(dir, { recursive: true, withFileTypes: true });
	const names = entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
	return Promise.all(names.map(async (name) => ({ name, octets: await readFile(name) })));
}

/** What `text` looks like on disk: UTF-8, UTF-16LE, and inside base64 at each of the three positions. */
function spellings(text: string): Buffer[] {
	const utf8 = Buffer.from(text, 'utf8');
	const base64 = [0, 1, 2].flatMap((before) => {
		const coded = Buffer.concat([Buffer.alloc(before), utf8]).toString('base64');
		// The characters that also depend on what is before and behind.
		const own = coded.slice(before === 0 ? 0 : before + 1, Math.floor(((before + utf8.length) * 8) / 6));
		return [own, own.replace(/\+/g, '-').replace(/\//g, '_')];
	});
	return [utf8, Buffer.from(text, 'utf16le'), ...base64.map((code) => Buffer.from(code, 'utf8'))];
}

/** Which of the secrets, by name, occur in the octets. */
export function found(octets: Buffer, secrets: Record<string, string>): string[] {
	return Object.entries(secrets)
		.filter(([, secret]) => spellings(secret).some((spelling) => octets.includes(spelling)))
		.map(([name]) => name);
}
