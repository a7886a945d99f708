/** The relay on a socket. */
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBackend } from './backend.js';
import { systemClock } from './clock.js';
import type { RelayConfig } from './config/config.js';
import { originOf } from './config/origin.js';
import type { Log } from './deps.js';
import { systemCode } from './errors.js';
import { createRelay, type Relay } from './handler.js';
import { Connections } from './http/connections.js';
import { createHttpServer } from './http/http-server.js';
import { createMetrics, processMetrics } from './metrics.js';

/** Tries for a port that is free on both loopback addresses, when any port will do. */
const ATTEMPTS = 5;

/** What has lost its connection gives up within milliseconds, unless its store is stuck, which may not keep the process. */
const ABANDON_MS = 5000;

export interface RunningRelay {
	/** Where people reach it (`originOf`). */
	origin: string;
	port: number;
	/** Takes no new connection, ends idle ones and long polls, and lets the rest finish for `stopSeconds`. */
	close(): Promise<void>;
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** @throws a system error when the port is taken or the data directory cannot be used, ConfigError without its Redis */
export async function startRelay(config: RelayConfig, log: Log = silent): Promise<RunningRelay> {
	const stopping = new AbortController();
	// Each long poll that waits is one.
	setMaxListeners(0, stopping.signal);
	const metrics = createMetrics();
	processMetrics();
	const connections = new Connections({ minRate: config.minRate, patienceMs: 10_000, lingerMs: 10_000 }, metrics);
	// The port comes first: a second relay started by mistake must not touch the data of the one that runs.
	let open: (relay: Relay) => void = () => undefined;
	const opened = new Promise<Relay>((resolve) => {
		open = resolve;
	});
	const underWay = new Set<Promise<Response>>();
	const relay: Relay = async (request, info) => {
		const answer = (await opened)(request, info);
		underWay.add(answer);
		return answer.finally(() => underWay.delete(answer));
	};
	const servers = await listen(config, () => createHttpServer(relay, { config, log, metrics, connections })).catch(
		(cause: unknown) => {
			connections.end();
			throw cause;
		},
	);
	const backend = await openBackend(config, systemClock, log).catch(async (cause: unknown) => {
		connections.cutAll();
		await Promise.all(servers.map(closeServer));
		connections.end();
		throw cause;
	});
	const { store, counters } = backend;
	const { port } = servers[0]!.address() as AddressInfo;
	const bound = { ...config, port };
	open(createRelay({ store, counters, log, clock: systemClock, stopping: stopping.signal, metrics, config: bound }));
	let closing: Promise<void> | undefined;
	return {
		origin: originOf(bound),
		port,
		close() {
			closing ??= (async () => {
				stopping.abort();
				const closed = Promise.all(servers.map(closeServer));
				connections.stop();
				const cancel = systemClock.after(config.stopSeconds * 1000, () => connections.cutAll());
				await closed;
				cancel();
				connections.end();
				// An upload that was cut has yet to tell the store that it does not come.
				await settled(underWay);
				await backend.close();
			})();
			return closing;
		},
	};
}

/** Resolves when all have ended, well or not, or after `ABANDON_MS`. */
function settled(all: Iterable<Promise<unknown>>): Promise<void> {
	return new Promise((resolve) => {
		const cancel = systemClock.after(ABANDON_MS, resolve);
		void Promise.allSettled(all).then(() => {
			cancel();
			resolve();
		});
	});
}

/** `localhost` means both loopback addresses: which of them a browser or an agent tries first differs. */
async function listen({ host, port }: RelayConfig, create: () => Server): Promise<Server[]> {
	if (host !== 'localhost') return [await listenOn(host, port, create())];
	for (let attempt = 1; ; attempt++) {
		const first = await listenOn('127.0.0.1', port, create());
		const { port: chosen } = first.address() as AddressInfo;
		try {
			return [first, await listenOn('::1', chosen, create())];
		} catch (cause) {
			const code = systemCode(cause);
			// A machine without IPv6.
			if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL') return [first];
			await closeServer(first);
			if (port !== 0 || attempt === ATTEMPTS) throw cause;
		}
	}
}

function listenOn(host: string, port: number, server: Server): Promise<Server> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, () => {
			server.off('error', reject);
			resolve(server);
		});
	});
}

function closeServer(server: Server): Promise<void> {
	return new Promise((resolve) => server.close(() => resolve()));
}
