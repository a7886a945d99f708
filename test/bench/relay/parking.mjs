/** `node test/bench/relay/parking.mjs [--turns 5] [--lanes 1,4,16] [--directory DIR] [--relay FILE]`: see `parking.ts`. */
import { run } from '../load.mjs';

await run('/test/bench/relay/parking.ts');
