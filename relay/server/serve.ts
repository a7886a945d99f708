/** The relay on a socket. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { systemClock } from './clock.js';
import type { RelayConfig } from './config.js';
import type { Log } from './deps.js';
import { describeFailure } from './errors.js';
import { createRelay, type Relay } from './handler.js';
import { openDiskStore } from './store/disk.js';

/** What is under way when the relay is told to stop has this long to finish. */
const GRACE_MS = 10_000;

/** Tries for a port that is free on both loopback addresses, when any port will do. */
const ATTEMPTS = 5;

export interface RunningRelay {
	/** Where people reach it: the configured base URL, or what it listens on. */
	origin: string;
	port: number;
	/** Takes no new connection, ends long polls, lets uploads finish. */
	close(): Promise<void>;
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** @throws a system error when the port is taken or the data directory cannot be used */
export async function startRelay(config: RelayConfig, log: Log = silent): Promise<RunningRelay> {
	const stopping = new AbortController();
	// The port comes first: a second relay started by mistake must not touch the data of the one that runs.
	let open: (relay: Relay) => void = () => undefined;
	const opened = new Promise<Relay>((resolve) => {
		open = resolve;
	});
	const servers = await listen(config, async (request, info) => (await opened)(request, info));
	const store = await openDiskStore({
		directory: config.dataDir,
		clock: systemClock,
		onSweepError: (thrown) => log.error(describeFailure(thrown), 'sweep failed'),
	}).catch(async (cause: unknown) => {
		for (const server of servers) server.closeAllConnections();
		await Promise.all(servers.map(closeServer));
		throw cause;
	});
	open(createRelay({ store, config, log, clock: systemClock, stopping: stopping.signal }));
	const { port } = servers[0]!.address() as AddressInfo;
	let closing: Promise<void> | undefined;
	return {
		origin: config.baseUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
		port,
		close() {
			closing ??= (async () => {
				const closed = Promise.all(servers.map(closeServer));
				stopping.abort();
				const cancel = systemClock.after(GRACE_MS, () => {
					for (const server of servers) server.closeAllConnections();
				});
				await closed;
				cancel();
				await store.close();
			})();
			return closing;
		},
	};
}

/** `localhost` means both loopback addresses: which of them a browser or an agent tries first differs. */
async function listen({ host, port }: RelayConfig, relay: Relay): Promise<Server[]> {
	if (host !== 'localhost') return [await listenOn(host, port, relay)];
	for (let attempt = 1; ; attempt++) {
		const first = await listenOn('127.0.0.1', port, relay);
		const { port: chosen } = first.address() as AddressInfo;
		try {
			return [first, await listenOn('::1', chosen, relay)];
		} catch (cause) {
			const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
			// A machine without IPv6.
			if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL') return [first];
			await closeServer(first);
			if (port !== 0 || attempt === ATTEMPTS) throw cause;
		}
	}
}

function listenOn(host: string, port: number, relay: Relay): Promise<Server> {
	const server = createAdaptorServer({
		fetch: (request, { incoming }) => {
			const body = incoming as HttpBindings['incoming'];
			const address = body.socket.remoteAddress;
			return relay(request, { body, ...(address && { address }) });
		},
		overrideGlobalObjects: false,
		serverOptions: {
			headersTimeout: 10_000,
			// The largest part at about half a megabit a second.
			requestTimeout: 600_000,
			keepAliveTimeout: 30_000,
		},
	}) as Server;
	// A connection on which nothing moves; longer than the longest long poll.
	server.setTimeout(60_000);
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, () => {
			server.off('error', reject);
			resolve(server);
		});
	});
}

function closeServer(server: Server): Promise<void> {
	return new Promise((resolve) => {
		// What still answers keeps its connection no longer than that.
		server.keepAliveTimeout = 1;
		server.close(() => resolve());
		server.closeIdleConnections();
	});
}
