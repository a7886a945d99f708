/** The sandbox by itself. Environment: SANDBOX_PORT (8788), SANDBOX_DATA, APP_ORIGIN (http://localhost:8787). */
import { startSandbox } from './server.js';

const { SANDBOX_PORT = '8788', SANDBOX_DATA, APP_ORIGIN = 'http://localhost:8787' } = process.env;
const sandbox = await startSandbox({
	port: Number(SANDBOX_PORT),
	appOrigins: APP_ORIGIN.split(',').map((origin) => origin.trim()),
	...(SANDBOX_DATA ? { data: SANDBOX_DATA } : {}),
});
console.log(`Sandbox health systems: ${sandbox.origin}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.once(signal, () => void sandbox.close().then(() => process.exit(0)));
}
