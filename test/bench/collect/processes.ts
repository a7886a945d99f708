/** What runs beside the bench: the sandbox EHR, the relay and, where asked for, a slow network, each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REDIRECT_URI } from '../../sandbox/client.js';
import { PASSWORD } from '../../sandbox/oauth/interaction.js';
import type { Sandbox, SandboxSystem } from '../../sandbox/server.js';
import { freePort } from '../../tools/free-port.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

/** What the network between browser and servers, and between agent and relay, is like. */
export const NETWORKS = {
	loopback: null,
	slow: { roundTripMs: 150, bitsPerSecond: 20_000_000 },
} as const;
export type Network = keyof typeof NETWORKS;

export interface Stack {
	/** Of the app and the relay. */
	origin: string;
	/** As much of it as signing in needs. */
	sandbox: Sandbox;
	ehr: Server;
	relay: Server;
	close(): Promise<void>;
}

/** A request, as `log.mjs` noted it. */
export interface Logged {
	method: string;
	/** Path and query. */
	url: string;
	accept: string | null;
	/** Of the request's body, in octets. */
	length: number;
	/** When it came, and when its answer was sent (0: not yet); milliseconds since the epoch. */
	at: number;
	end: number;
}

export interface Server {
	pid: number;
	/** Past the slow network. */
	origin: string;
	/** Requests since the last call. */
	log(): Promise<Logged[]>;
}

export interface StackOptions {
	network: Network;
	/** About how large everybody's record is, in octets. */
	bytes: number;
	/** Practitioners in it. */
	staff: number;
	/** Further entries of the provider directory. */
	providers?: object[];
}

export async function startStack({ network, bytes, staff, providers = [] }: StackOptions): Promise<Stack> {
	const work = await mkdtemp(join(tmpdir(), 'satchel-bench-'));
	const [ehrPort, relayPort] = [await freePort(), await freePort()];
	const line = NETWORKS[network];
	const [ehrDoor, relayDoor] = line ? [await freePort(), await freePort()] : [ehrPort, relayPort];
	const origin = `http://localhost:${relayDoor}`;
	const ehrOrigin = `http://localhost:${ehrDoor}`;
	const children: ChildProcess[] = [];
	const node = (args: string[], env: NodeJS.ProcessEnv = {}) => {
		const child = spawn(process.execPath, args, {
			cwd: root,
			env: { ...process.env, ...env },
			stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
		});
		children.push(child);
		return child;
	};
	const logged = (built: string, env: NodeJS.ProcessEnv) =>
		node(['--import', `${here}log.mjs`, join(root, 'dist/node', built)], env);

	const ehr = logged('sandbox.js', {
		SANDBOX_PORT: String(ehrPort),
		SANDBOX_ORIGIN: ehrOrigin,
		SANDBOX_BYTES: String(bytes),
		SANDBOX_STAFF: String(staff),
		// The second one is the floor's, which signs in by itself.
		APP_ORIGIN: `${origin},${new URL(REDIRECT_URI).origin}`,
	});
	const systems = await listed(`http://localhost:${ehrPort}/providers.json`);
	const directoryFile = join(work, 'providers.json');
	// The other systems' clients need keys of the relay's.
	const plain = systems.filter(({ clientAuth }) => !clientAuth);
	await writeFile(directoryFile, JSON.stringify({ providers: [...plain, ...providers] }));
	const relay = logged('relay.js', {
		PORT: String(relayPort),
		BASE_URL: origin,
		DATA_DIR: join(work, 'relay'),
		PROVIDERS: directoryFile,
		LOOPBACK_CONNECT: ehrOrigin,
		SESSIONS_PER_MINUTE: '1000',
	});
	await answered(`http://localhost:${relayPort}/`);
	if (line) {
		const { roundTripMs, bitsPerSecond } = line;
		const doors = [`${ehrDoor}:${ehrPort}`, `${relayDoor}:${relayPort}`];
		const proxy = node([`${here}proxy.mjs`, ...doors.map((door) => `${door}:${roundTripMs}:${bitsPerSecond}`)]);
		await new Promise((resolve) => proxy.once('message', resolve));
	}
	return {
		origin,
		sandbox: { origin: ehrOrigin, systems, password: PASSWORD } as Sandbox,
		ehr: server(ehr, ehrPort),
		relay: server(relay, relayPort),
		close: async () => {
			const exits = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
			for (const child of children) child.kill('SIGKILL');
			await Promise.all(exits);
			await rm(work, { recursive: true, force: true });
		},
	};
}

function server(child: ChildProcess, port: number): Server {
	return {
		origin: `http://localhost:${port}`,
		pid: child.pid ?? 0,
		log: () =>
			new Promise((resolve) => {
				child.once('message', ({ log }: { log: Logged[] }) => resolve(log));
				child.send('log');
			}),
	};
}

/** The sandbox's systems, as soon as it has them: it listens before that. */
async function listed(url: string): Promise<SandboxSystem[]> {
	for (;;) {
		const { providers } = (await (await answered(url)).json()) as { providers: SandboxSystem[] };
		if (providers.length) return providers;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** The first answer of a server that is starting. */
async function answered(url: string): Promise<Response> {
	for (let tries = 0; ; tries++) {
		try {
			return await fetch(url);
		} catch (error) {
			if (tries > 200) throw error;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}
