/** Starts the relay as the environment says; see README.md beside this file. */
import { configFromEnvironment, type RelayConfig } from './config/config.js';
import { exitWithProblems, startProblems } from './config/start-errors.js';
import { startWarnings } from './config/warnings.js';
import { describeFailure } from './errors.js';
import { letHeapGrow } from './heap.js';
import { createLog } from './log.js';
import { startRelay } from './serve.js';

function readConfig(): RelayConfig {
	try {
		return configFromEnvironment(process.env);
	} catch (cause) {
		return exitWithProblems(cause);
	}
}

letHeapGrow();
const log = createLog();
const config = readConfig();
for (const warning of [...config.warnings, ...startWarnings(config)]) log.warn({}, warning);
try {
	const relay = await startRelay(config, log);
	let stopping = false;
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.on(signal, () => {
			// Who asks twice does not want to wait; what was under way is tidied up at the next start.
			if (stopping) process.exit(1);
			stopping = true;
			log.info({ signal }, 'stopping');
			void relay.close().then(
				() => log.info({}, 'stopped'),
				(thrown: unknown) => {
					log.error(describeFailure(thrown), 'could not stop');
					process.exit(1);
				},
			);
		});
	}
	// Last: whoever reads it may stop the relay at once.
	log.info({ origin: relay.origin, host: config.host, port: relay.port }, 'listening');
} catch (cause) {
	const place = { portName: 'PORT', ...config };
	if (startProblems(cause, place)) exitWithProblems(cause, place);
	log.error(describeFailure(cause), 'could not start');
	process.exitCode = 1;
}
