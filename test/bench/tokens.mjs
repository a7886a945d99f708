/**
 * What becomes of connections when the worker dies in the middle of a refresh, and when eight tabs and an updating worker
 * refresh at once: the built app in a real Chromium. Prints tables, writes them into `README.md`, and fails where something
 * was lost that need not be. `npm run bench:tokens -- [--runs 200] [--refreshes 1000] [--updates 12] [--lanes 3] [--dry]`
 */
import { run } from './load.mjs';

await run('/test/bench/tokens/main.ts');
