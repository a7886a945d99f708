/** The relay as a function, at the app's own origin, and an agent that uses it. */

import { onTestFinished } from 'vitest';
import { realWorld } from '../../relay/agent/exchange.js';
import { createSession, type NewSession, sessionLink } from '../../relay/agent/session.js';
import { systemClock } from '../../relay/server/clock.js';
import { relayConfig } from '../../relay/server/config/config.js';
import { memoryCounters } from '../../relay/server/counters.js';
import { createRelay } from '../../relay/server/handler.js';
import { openDiskStore } from '../../relay/server/store/disk/disk.js';
import { temporaryDirectory } from '../relay/server/support.js';
import { ORIGIN, type Responder } from './setup.js';

const log = { info: () => {}, warn: () => {}, error: () => {} };

export async function startRelay() {
	const directory = temporaryDirectory();
	const config = relayConfig({ appDir: `${directory}/no-app`, sessionsPerMinute: 10_000, minFreeBytes: 0 });
	const store = await openDiskStore({ directory, clock: systemClock, ...config });
	onTestFinished(() => store.close());
	const relay = createRelay({ store, counters: memoryCounters(systemClock), config, log, clock: systemClock });
	const respond: Responder = async (request) => {
		if (new URL(request.url).origin !== ORIGIN) throw new TypeError(`not the relay: ${request.url}`);
		if (request.method === 'GET') return relay(request, { address: '192.0.2.1' });
		// A browser sends the length of a body that it knows.
		const body = await request.arrayBuffer();
		const headers = new Headers(request.headers);
		headers.set('Content-Length', String(body.byteLength));
		return relay(new Request(request.url, { method: request.method, headers, body }), { address: '192.0.2.1' });
	};
	const world = { ...realWorld, fetch: (request: Request) => relay(request, { address: '192.0.2.2' }) };
	/** Makes a session as the agent does, and splits its link as the page does. */
	const ask = async (more: Partial<NewSession> = {}) => {
		const session = await createSession({ relay: ORIGIN, who: 'Helper', why: 'To prepare a visit', ...more }, world);
		const link = new URL(sessionLink(session).url);
		return { session, sid: session.sid, fragment: link.hash, code: sessionLink(session).code };
	};
	return { respond, world, ask };
}
