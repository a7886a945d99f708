/** `npm run keys`; see --help. */
import { runKeys } from './command.js';

const { exitCode, stdout, stderr } = await runKeys(process.argv.slice(2), Date.now());
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
