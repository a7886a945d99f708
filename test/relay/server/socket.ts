/** A relay on a socket, and what speaks to it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type RelayConfig, relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { type Call, recorder, temporaryDirectory } from './support.js';

/** A relay on a free port, with a store of its own and no app, that ends with the test. */
export async function startOnSocket(given: Partial<RelayConfig> = {}) {
	const dataDir = given.dataDir ?? temporaryDirectory();
	const { lines, log } = recorder();
	const config = { port: 0, host: '127.0.0.1', dataDir, appDir: join(dataDir, 'no-app'), minFreeBytes: 0, ...given };
	const relay = await startRelay(relayConfig(config), log);
	onTestFinished(() => relay.close());
	return { relay, dataDir, lines, call: callerOf(`http://127.0.0.1:${relay.port}`) };
}

/** What the three parties of a session call, over a socket. */
export function callerOf(origin: string): Call {
	return (method, path, init = {}) => {
		const headers = new Headers(init.headers);
		if (init.token) headers.set('Authorization', `Bearer ${init.token}`);
		const body = init.json === undefined ? init.body : JSON.stringify(init.json);
		const { signal } = init;
		return fetch(origin + path, { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) });
	};
}

/** A connection, and all that comes over it until it ends. */
export async function open(port: number) {
	const socket = connect(port, '127.0.0.1');
	await once(socket, 'connect');
	let text = '';
	socket.on('data', (chunk) => {
		text += chunk.toString('latin1');
	});
	let reset = false;
	socket.on('error', () => {
		reset = true;
	});
	const closed = once(socket, 'close').then(() => ({ text, reset }));
	return { socket, closed, text: () => text };
}

/** Waits for something that other processes or sockets do. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await condition())) await sleep(2);
}
