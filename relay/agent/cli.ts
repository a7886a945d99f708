/** The process around `run`: streams, signals, exit code. */
import { run } from './commands/run.js';
import { realWorld } from './exchange.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
// Whoever read what is told has gone, as `head` does: that is an interruption too.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());

// Node 20 calls X25519 in WebCrypto experimental; that is no news to the person at the terminal.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
	if (warning.name !== 'ExperimentalWarning') console.error(`${warning.name}: ${warning.message}`);
});

process.exitCode = await run(process.argv.slice(2), {
	stdout: (line) => process.stdout.write(`${line}\n`),
	stderr: (line) => process.stderr.write(`${line}\n`),
	world: { ...realWorld, signal: stop.signal },
});
