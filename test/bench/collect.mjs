/**
 * How long it takes, and what it costs, to collect a record and have it with the agent, against a script that fetches the
 * same and throws it away: the built app in a real Chromium. Prints tables and writes them into `README.md`.
 * `npm run bench -- [--runs 5] [--sizes 1,20,100] [--networks loopback,slow] [--parts times,thrift,memory,lists] [--profile 20] [--dry]`
 */
import { run } from './load.mjs';

await run('/test/bench/collect/main.ts');
