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

/**
 * What this origin keeps besides the app's own files, a line each: rows, cached answers, entries of the page's stores, files,
 * cookies, notifications, and what wakes the worker. A database without rows is none.
 * @param appFiles the built app, to tell its own files in CacheStorage by every octet
 */
export async function remains(page: Page, appFiles: string): Promise<string[]> {
	const { lines, cached } = await page.evaluate(async () => {
		const lines: string[] = [];
		const done = <T>(request: IDBRequest<T>) =>
			new Promise<T>((resolve, reject) => {
				request.onsuccess = () => resolve(request.result);
				request.onerror = () => reject(request.error);
			});
		for (const { name } of await indexedDB.databases()) {
			const db = await done(indexedDB.open(String(name)));
			for (const store of db.objectStoreNames) {
				for (const key of await done(db.transaction(store).objectStore(store).getAllKeys())) {
					lines.push(`IndexedDB ${name}: ${JSON.stringify(key)}`);
				}
			}
			db.close();
		}
		const cached: { url: string; octets: string }[] = [];
		for (const name of await caches.keys()) {
			const cache = await caches.open(name);
			for (const request of await cache.keys()) {
				const bytes = new Uint8Array((await (await cache.match(request))?.arrayBuffer()) ?? []);
				let octets = '';
				for (let at = 0; at < bytes.length; at += 8192) octets += String.fromCharCode(...bytes.subarray(at, at + 8192));
				cached.push({ url: request.url, octets: btoa(octets) });
			}
		}
		lines.push(...Object.keys(localStorage).map((key) => `localStorage: ${key}`));
		lines.push(...Object.keys(sessionStorage).map((key) => `sessionStorage: ${key}`));
		if (document.cookie) lines.push(`cookie: ${document.cookie}`);
		const files = (await navigator.storage.getDirectory()) as FileSystemDirectoryHandle & {
			keys(): AsyncIterable<string>;
		};
		for await (const name of files.keys()) lines.push(`file: ${name}`);
		const registration = (await navigator.serviceWorker.ready) as ServiceWorkerRegistration &
			Record<'periodicSync' | 'sync', { getTags(): Promise<string[]> } | undefined>;
		for (const { title } of await registration.getNotifications()) lines.push(`notification: ${title}`);
		for (const what of ['periodicSync', 'sync'] as const) {
			for (const tag of (await registration[what]?.getTags()) ?? []) lines.push(`${what}: ${tag}`);
		}
		return { lines, cached };
	});
	for (const { url, octets } of cached) {
		const own = await readFile(join(appFiles, new URL(url).pathname)).catch(() => undefined);
		if (!own?.equals(Buffer.from(octets, 'base64'))) lines.push(`CacheStorage: ${url}`);
	}
	return lines;
}

export async function filesBelow(dir: string): Promise<{ name: string; octets: Buffer }[]> {
	const entries = await readdir(dir, { recursive: true, withFileTypes: true });
	const names = entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
	const read = names.map(async (name) => {
		const octets = await readFile(name).catch((error: NodeJS.ErrnoException) => {
			// Gone since it was listed: no longer stored.
			if (error.code === 'ENOENT') return null;
			throw error;
		});
		return octets && { name, octets };
	});
	return (await Promise.all(read)).filter((file) => file !== null);
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
