/** The built app, read into memory once. What is not in the map is not served, so no path leads out of the directory. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { Asset } from './assets.js';
import { compress, encodings, endings, holds, type Variants } from './compression.js';

const types: Record<string, string> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.json': 'application/json',
	'.webmanifest': 'application/manifest+json',
	'.svg': 'image/svg+xml',
	'.png': 'image/png',
	'.jpg': 'image/jpeg',
	'.webp': 'image/webp',
	'.ico': 'image/x-icon',
	'.woff2': 'font/woff2',
	'.txt': 'text/plain; charset=utf-8',
};

/** By URL path, `/index.html`. Links are not followed, and files that start with a dot are left out. */
export type AppFiles = ReadonlyMap<string, Asset>;

/** Null when the directory holds no `index.html`: the app was not built. */
export async function readAppFiles(directory: string): Promise<AppFiles | null> {
	const found = await readFolder(directory);
	const files = new Map<string, Asset>();
	for (const [url, body] of found) {
		if (!isVariant(url, found)) files.set(url, new Asset(typeOf(url), body, await variantsOf(url, body, found)));
	}
	return files.has('/index.html') ? files : null;
}

/** The build's last step: what is smaller compressed gets its compressed content beside it. */
export async function compressAppFiles(directory: string): Promise<void> {
	const found = await readFolder(directory);
	for (const [url, body] of found) {
		if (isVariant(url, found)) continue;
		const variants = await compress(typeOf(url), body, 'best');
		for (const encoding of encodings) {
			const data = variants[encoding];
			if (data) await writeFile(join(directory, url + endings[encoding]), data);
		}
	}
}

type Found = ReadonlyMap<string, Buffer>;

async function readFolder(directory: string): Promise<Found> {
	const files = new Map<string, Buffer>();
	const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
	for (const entry of entries) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath ?? entry.path, entry.name);
		const url = `/${relative(directory, path).split(sep).join('/')}`;
		if (!url.includes('/.')) files.set(url, await readFile(path));
	}
	return files;
}

function typeOf(url: string): string {
	return types[extname(url)] ?? 'application/octet-stream';
}

/** Whether it is another file, compressed, which is no file of its own. */
function isVariant(url: string, found: Found): boolean {
	return encodings.some((one) => url.endsWith(endings[one]) && found.has(url.slice(0, -endings[one].length)));
}

/** One that somebody left behind, and that holds something else, must not be what most browsers get. */
async function variantsOf(url: string, body: Uint8Array, found: Found): Promise<Variants> {
	const variants: { -readonly [one in keyof Variants]: Variants[one] } = {};
	for (const encoding of encodings) {
		const data = found.get(url + endings[encoding]);
		if (data && (await holds(encoding, data, body))) variants[encoding] = data;
	}
	return variants;
}
