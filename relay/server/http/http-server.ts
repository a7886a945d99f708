/** HTTP around the relay: its time-outs and bounds, and what of a socket a request carries along. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { RelayConfig } from '../config/config.js';
import type { Log } from '../deps.js';
import type { Relay } from '../handler.js';
import type { Metrics } from '../metrics.js';
import type { Connections } from './connections.js';
import { commonHeaders } from './headers.js';
import { notARequest, refuseSocket } from './socket-errors.js';

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
	const listener = getRequestListener(
		(request, { incoming }) => {
			const body = incoming as HttpBindings['incoming'];
			return relay(request, {
				body,
				...(body.socket.remoteAddress && { address: body.socket.remoteAddress }),
			});
		},
		{
			overrideGlobalObjects: false,
			// Its clean-up closes after half a second, and an early answer is lost; `connections` does it.
			autoCleanupIncoming: false,
			// For HTTP/1.0, which need not say to whom it speaks.
			hostname: 'localhost',
			errorHandler: () => notARequest({ log, metrics }),
		},
	);
	const server = createServer(
		{
			headersTimeout,
			requestTimeout: headersTimeout + config.bodySeconds * 1000 + MARGIN_MS,
			// Longer than the proxies in `deploy/` keep an idle connection: one that is closed here may just be used there.
			keepAliveTimeout: 30_000,
			connectionsCheckingInterval: 1000,
			maxHeaderSize: HEADER_BYTES,
		},
		listener,
	);
	server.maxConnections = MOST_CONNECTIONS;
	// A connection on which nothing moves; longer than the longest long poll.
	server.setTimeout(60_000);
	connections.watch(server);
	const headers = commonHeaders(config);
	server.on('clientError', (thrown, socket) => {
		// Of a server without TLS the stream is a socket.
		const plain = socket as IncomingMessage['socket'];
		void refuseSocket(thrown, plain, { answering: connections.answering(plain), headers, log, metrics });
	});
	return server;
}
