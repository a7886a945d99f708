/** Starts the relay as the environment says; see README.md beside this file. */
import { configFromEnvironment, type RelayConfig } from './config.js';
import { describeFailure } from './errors.js';
import { createLog } from './log.js';
import { startRelay } from './serve.js';
import { exitWithProblems, startProblems } from './start-errors.js';

function readConfig(): RelayConfig {
	try {
		return configFromEnvironment(process.env);
	} catch (cause) {
		return exitWithProblems(cause);
	}
}

const log = createLog();
const config = readConfig();
for (const warning of config.warnings) log.warn({}, warning);
try {
	const relay = await startRelay(config, log);
	log.info({ origin: relay.origin }, 'listening');
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => {
			log.info({ signal }, 'stopping');
			void relay.close();
		});
	}
} catch (cause) {
	const place = { portName: 'PORT', ...config };
	if (startProblems(cause, place)) exitWithProblems(cause, place);
	log.error(describeFailure(cause), 'could not start');
	process.exitCode = 1;
}
