/** Runs a bench that is written in TypeScript, which Node 20 does not read; the journeys use the same files. */
import '../tools/build-if-needed.mjs';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

/** @param {string} path of a module below the repository's root, whose `main(args)` answers the exit code */
export async function run(path) {
	const vite = await createServer({
		root: fileURLToPath(new URL('../..', import.meta.url)),
		configFile: false,
		appType: 'custom',
		logLevel: 'error',
		optimizeDeps: { noDiscovery: true },
		server: { middlewareMode: true, watch: null, hmr: false, ws: false },
	});
	const { main } = await vite.environments.ssr.runner.import(path);
	process.exitCode = await main(process.argv.slice(2));
	await vite.close();
}
