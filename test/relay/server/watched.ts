/** A server of a few lines whose connections are watched with little patience. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { Connections } from '../../../relay/server/http/connections.js';
import { createMetrics } from '../../../relay/server/metrics.js';

export async function watched(listener: RequestListener, { minRate = 100_000_000, patienceMs = 200 } = {}) {
	const metrics = createMetrics();
	const connections = new Connections({ minRate, patienceMs, lingerMs: 100 }, metrics);
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	connections.watch(server, listener);
	onTestFinished(async () => {
		connections.cutAll();
		connections.end();
		await new Promise((resolve) => server.close(resolve));
	});
	/** The reasons for which connections were cut, and how many. */
	const cut = async () => (await metrics.cut.get()).values.map(({ labels, value }) => [labels.reason, value]);
	return { server, port: (server.address() as AddressInfo).port, cut };
}

export const get = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
