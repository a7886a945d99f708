/**
 * The relay under load and under faults, on disk and on Redis: the process people run, and clients in another one. Prints tables
 * and writes them into `README.md`. `npm run bench:relay -- [--parts load,polls,slow,kill,faults,parking] [--stores disk,redis] [--dry]`
 */
import { run } from './load.mjs';

await run('/test/bench/relay/main.ts');
