/** HTTP around the relay: its time-outs and bounds, and what of a socket a request carries along. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { RelayConfig } from '../config/config.js';
import type { Log } from '../deps.js';
import type { Relay } from '../handler.js';
import type { Metrics } from '../metrics.js';
import type { Connections } from './connections.js';
import { commonHeaders } from './headers.js';
import { bodyMs } from './pace.js';
import { notARequest, refuseSocket, refuseTunnel, saysItsHost } from './socket-errors.js';

/** A body that does not end is refused in words where it is read; this is for the one that nobody reads. Milliseconds. */
const MARGIN_MS = 15_000;

/** Request line and headers together, in octets: some fifty times what a wallet sends. */
const HEADER_BYTES = 16 * 1024;

/** Of one server. Each costs some 20 kB; the store must find files to open when others have all these sockets. */
const MOST_CONNECTIONS = 10_000;

interface Surroundings {
	config: RelayConfig;
	log: Log;
	metrics: Metrics;
	connections: Connections;
}

export function createHttpServer(relay: Relay, { config, log, metrics, connections }: Surroundings): Server {
	const headersTimeout = config.headerSeconds * 1000;
	const surroundings = { headers: commonHeaders(config), log, metrics };
	const listener = getRequestListener(
		(request, { incoming }) => {
			const body = incoming as HttpBindings['incoming'];
			if (!saysItsHost(body)) return notARequest(surroundings);
			return relay(request, {
				body,
				cut: () => connections.cut(body.socket, 'broken'),
				...(body.socket.remoteAddress && { address: body.socket.remoteAddress }),
			});
		},
		{
			overrideGlobalObjects: false,
			// Its clean-up closes after half a second, and an early answer is lost; `connections` does it.
			autoCleanupIncoming: false,
			// For HTTP/1.0, which need not say to whom it speaks.
			hostname: 'localhost',
			errorHandler: () => notARequest(surroundings),
		},
	);
	const server = createServer({
		headersTimeout,
		requestTimeout: headersTimeout + bodyMs(config, config.partBytes) + MARGIN_MS,
		// Longer than the proxies in `deploy/` keep an idle connection: one that is closed here may just be used there.
		keepAliveTimeout: 30_000,
		connectionsCheckingInterval: 1000,
		maxHeaderSize: HEADER_BYTES,
		// Node's own refusal has no words; see `saysItsHost`.
		requireHostHeader: false,
	});
	server.maxConnections = MOST_CONNECTIONS;
	// A connection on which nothing moves; longer than the longest long poll.
	server.setTimeout(60_000);
	connections.watch(server, listener);
	// Of a server without TLS the streams are sockets.
	server.on('clientError', (thrown, stream) => {
		const socket = stream as Socket;
		void refuseSocket(thrown, socket, connections.answering(socket), surroundings);
	});
	server.on('connect', (_, stream) => {
		const socket = stream as Socket;
		void refuseTunnel(socket, connections.answering(socket), surroundings);
	});
	return server;
}
