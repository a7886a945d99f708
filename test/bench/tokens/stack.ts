/** App, relay and two health systems on free ports, with a copy of the built app that can be replaced by a new version. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems as profiles, type SystemProfile } from '../../sandbox/systems.js';
import { freePort } from '../../tools/free-port.js';

/** Both rotate refresh tokens, and end the whole grant when one comes back too late. */
export const SERVERS = {
	/** A minute's grace for whoever lost an answer. */
	grace: { id: 'grace', name: 'Gracious Health', graceSeconds: 60 },
	/** Every reuse is taken for theft. */
	strict: { id: 'strict', name: 'Strict Health', graceSeconds: 0 },
} as const;
export type Server = keyof typeof SERVERS;

/** A mistake of the wallet stays one whatever else the system does, so the plainest system is the model. */
const MODEL = 'harbor';

export interface TokenStack {
	origin: string;
	sandbox: Sandbox;
	/** Serves a worker that differs in a line, as a new release does. @returns its number */
	release(): Promise<number>;
	close(): Promise<void>;
}

export interface StackOptions {
	/** The build's folder. */
	dist: string;
	/** Lifetime of access tokens, in seconds. */
	accessSeconds?: number;
}

export async function startTokenStack({ dist, accessSeconds = 3600 }: StackOptions): Promise<TokenStack> {
	const work = await mkdtemp(join(tmpdir(), 'satchel-tokens-'));
	const appDir = join(work, 'app');
	await cp(join(dist, 'app'), appDir, { recursive: true });
	const port = await freePort();
	const origin = `http://localhost:${port}`;
	const sandbox = await startSandbox({
		appOrigins: [origin],
		systems: Object.values(SERVERS).map((server) => profile(server, accessSeconds)),
		recordBytes: 100_000,
	});
	const config = relayConfig({
		port,
		dataDir: join(work, 'relay'),
		appDir,
		providers: sandbox.systems,
		loopbackConnect: [sandbox.origin],
	});
	let relay = await startRelay(config);
	let version = 1;
	return {
		origin,
		sandbox,
		release: async () => {
			version++;
			await writeFile(join(appDir, 'sw.js'), `\nself.release = ${version};\n`, { flag: 'a' });
			// It reads the app once.
			await relay.close();
			relay = await startRelay(config);
			return version;
		},
		close: async () => {
			await relay.close();
			await sandbox.close();
			await rm(work, { recursive: true, force: true });
		},
	};
}

function profile({ id, name, graceSeconds }: (typeof SERVERS)[Server], accessSeconds: number): SystemProfile {
	const model = profiles.find((one) => one.id === MODEL);
	if (!model) throw new Error(`no system ${MODEL}`);
	const auth = { ...model.auth, accessSeconds, graceSeconds, onReuse: 'revoke-family' } as const;
	return { ...model, id, name, aliases: [], auth };
}
