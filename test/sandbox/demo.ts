/**
 * Everything on one machine: the app and relay, and the sandbox EHR on another port, which makes it another origin on
 * purpose. Environment: PORT (8787), SANDBOX_PORT (8788), SANDBOX_DATA, DATA_DIR, SANDBOX_FAULTS=1 for tests.
 */

import { configFromEnvironment, readPort } from '../../relay/server/config/config.js';
import { exitWithProblems, type StartPlace } from '../../relay/server/config/start-errors.js';
import { assertionKeys } from '../../relay/server/keys/assertion-keys.js';
import { createLog } from '../../relay/server/log.js';
import { startRelay } from '../../relay/server/serve.js';
import { signingKey } from './clients.js';
import { type Sandbox, startSandbox } from './server.js';

const { SANDBOX_PORT, SANDBOX_DATA, SANDBOX_FAULTS } = process.env;

function readConfig() {
	try {
		const config = configFromEnvironment(process.env);
		return { config, sandboxPort: readPort('SANDBOX_PORT', SANDBOX_PORT || '8788') };
	} catch (cause) {
		return exitWithProblems(cause);
	}
}

/** What `step` gives; a start mistake ends the process. */
async function started<T>(place: StartPlace, step: () => Promise<T>): Promise<T> {
	try {
		return await step();
	} catch (cause) {
		return exitWithProblems(cause, place);
	}
}

const { config, sandboxPort } = readConfig();
const app = config.baseUrl ?? `http://localhost:${config.port}`;

const sandbox: Sandbox = await started({ portName: 'SANDBOX_PORT', port: sandboxPort }, () =>
	startSandbox({
		port: sandboxPort,
		appOrigins: [app],
		faults: SANDBOX_FAULTS === '1',
		...(SANDBOX_DATA ? { data: SANDBOX_DATA } : {}),
	}),
);
const relay = await started({ portName: 'PORT', ...config }, () =>
	startRelay(
		{
			...config,
			providers: [...config.providers, ...sandbox.systems],
			// One health system takes a client whose assertions the relay signs; a key of this start will do for it.
			assertionKeys: config.assertionKeys.length
				? config.assertionKeys
				: assertionKeys({ keys: [signingKey('RS384')] }),
			loopbackConnect: [...config.loopbackConnect, sandbox.origin],
		},
		createLog('warn'),
	),
);

const names = sandbox.logins.map(({ username }) => username).join(', ');
console.log(`
Satchel           ${app}
Sandbox EHR       ${sandbox.origin}
                  sign in as ${names}
                  password: ${sandbox.password}

1. Open ${app}/connections and connect a health provider ("Harbor", "Lakeside", …).
2. Ask for the records as an assistant would, in a second terminal:

   npm run --silent agent -- request --relay ${app} --out ./records --who "My assistant" --why "To prepare for a visit"

3. Open the link that it prints, choose, and send. Stop with Ctrl-C.

An assistant of yours can do step 2 by itself, and read what comes: give it ${app}/skill.zip
`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.once(signal, () => {
		void Promise.all([relay.close(), sandbox.close()]).then(() => process.exit(0));
	});
}
