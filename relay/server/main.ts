/** Starts the relay as the environment says; see README.md beside this file. */
import { ConfigError, configFromEnvironment, type RelayConfig } from './config.js';
import { describeFailure } from './errors.js';
import { createLog } from './log.js';
import { startRelay } from './serve.js';

function readConfig(): RelayConfig {
	try {
		return configFromEnvironment(process.env);
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		for (const problem of cause.problems) console.error(problem);
		process.exit(2);
	}
}

const log = createLog();
const config = readConfig();
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
	log.error(describeFailure(cause), 'could not start');
	process.exitCode = 1;
}
