/**
 * What becomes of connections when the worker dies in the middle of a refresh, and when eight tabs and an updating worker
 * refresh at once: the built app in a real Chromium. Prints tables, writes them into `README.md`, and fails where something
 * was lost that need not be. `npm run bench:tokens -- [--runs 200] [--refreshes 1000] [--updates 12] [--lanes 3] [--dry]`
 */
import '../tools/build-if-needed.mjs';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

// Node 20 reads no TypeScript, and the journeys use the same files.
const vite = await createServer({
	root: fileURLToPath(new URL('../..', import.meta.url)),
	configFile: false,
	appType: 'custom',
	logLevel: 'error',
	optimizeDeps: { noDiscovery: true },
	server: { middlewareMode: true, watch: null, hmr: false, ws: false },
});
const { main } = await vite.environments.ssr.runner.import('/test/bench/tokens/main.ts');
process.exitCode = await main(process.argv.slice(2));
await vite.close();
