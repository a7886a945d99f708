/** What `npm run build` makes, where it is newer than what it is made of; else a build of its own, in `folder`. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = ['relay', 'vite.config.ts', 'package.json', 'package-lock.json'];

/** @returns the folder with the skill */
export async function builtSkill(folder: string): Promise<string> {
	if (isFresh('dist/skill/satchel.mjs')) return join(root, 'dist/skill');
	const outDir = join(folder, 'built');
	await build({ root, configFile: join(root, 'vite.config.ts'), mode: 'skill', logLevel: 'error', build: { outDir } });
	return outDir;
}

/** @returns the agent's script */
export async function builtAgent(folder: string): Promise<string> {
	if (isFresh('dist/node/agent.js')) return join(root, 'dist/node/agent.js');
	const outDir = join(folder, 'agent');
	await build({
		configFile: false,
		logLevel: 'error',
		root,
		publicDir: false,
		ssr: { noExternal: true },
		build: { ssr: 'relay/agent/cli.ts', outDir, emptyOutDir: true, target: 'node20' },
	});
	return join(outDir, 'cli.js');
}

function isFresh(path: string): boolean {
	const made = statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
	return made > Math.max(...SOURCES.map((source) => changed(join(root, source))));
}

function changed(path: string): number {
	const stat = statSync(path);
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name))));
}
