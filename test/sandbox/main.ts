/**
 * The sandbox by itself. Environment: SANDBOX_PORT (8788), SANDBOX_DATA, APP_ORIGIN (http://localhost:8787), SANDBOX_ORIGIN where
 * a proxy stands in front of it, SANDBOX_BYTES as the size of everybody's record, SANDBOX_STAFF as the practitioners in it.
 */
import { readPort } from '../../relay/server/config/config.js';
import { exitWithProblems } from '../../relay/server/config/start-errors.js';
import { startSandbox } from './server.js';

const { SANDBOX_PORT, SANDBOX_DATA, APP_ORIGIN, SANDBOX_ORIGIN, SANDBOX_BYTES, SANDBOX_STAFF } = process.env;

async function start() {
	let port = 0;
	try {
		port = readPort('SANDBOX_PORT', SANDBOX_PORT || '8788');
		return await startSandbox({
			port,
			appOrigins: (APP_ORIGIN || 'http://localhost:8787').split(',').map((origin) => origin.trim()),
			...(SANDBOX_DATA ? { data: SANDBOX_DATA } : {}),
			...(SANDBOX_ORIGIN ? { origin: SANDBOX_ORIGIN } : {}),
			...(SANDBOX_BYTES ? { recordBytes: Number(SANDBOX_BYTES) } : {}),
			...(SANDBOX_STAFF ? { recordStaff: Number(SANDBOX_STAFF) } : {}),
		});
	} catch (cause) {
		return exitWithProblems(cause, { portName: 'SANDBOX_PORT', port });
	}
}

const sandbox = await start();
console.log(`Sandbox health systems: ${sandbox.origin}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.once(signal, () => void sandbox.close().then(() => process.exit(0)));
}
