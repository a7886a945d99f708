/** The built app, read into memory once. What is not in the map is not served, so no path leads out of the directory. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { Asset } from './assets.js';

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
	const files = new Map<string, Asset>();
	const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
	for (const entry of entries) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath ?? entry.path, entry.name);
		const url = `/${relative(directory, path).split(sep).join('/')}`;
		if (url.includes('/.')) continue;
		files.set(url, new Asset(types[extname(path)] ?? 'application/octet-stream', await readFile(path)));
	}
	return files.has('/index.html') ? files : null;
}
