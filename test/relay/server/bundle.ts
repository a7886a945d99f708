/** A program of its own, for a test that starts or kills one. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { temporaryDirectory } from './support.js';

/** Where the bundle of that source lies: `bundle(new URL('./killed-writer.ts', import.meta.url))`. It goes with the test. */
export async function bundle(source: URL): Promise<string> {
	const outDir = temporaryDirectory();
	await build({
		configFile: false,
		logLevel: 'error',
		ssr: { noExternal: true },
		build: { outDir, ssr: fileURLToPath(source), rolldownOptions: { output: { entryFileNames: 'main.mjs' } } },
	});
	return join(outDir, 'main.mjs');
}
