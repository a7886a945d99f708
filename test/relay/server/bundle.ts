/** A program of its own, for a test that starts or kills one. */
import type { ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
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

/** What a process has told line by line, killed in the middle once that is so many lines. */
export async function killedAfter(child: ChildProcessByStdio<null, Readable, null>, most: number): Promise<string[]> {
	const told: string[] = [];
	await new Promise<void>((resolve, reject) => {
		let buffer = '';
		child.once('error', reject);
		child.once('exit', () => resolve());
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
			const lines = (buffer + chunk).split('\n');
			buffer = lines.pop() ?? '';
			told.push(...lines);
			if (told.length >= most) child.kill('SIGKILL');
		});
	});
	return told;
}
