/** In which order a relay that stops lets go of things. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { open, startOnSocket } from './socket.js';
import { claimed, random } from './support.js';

const events: string[] = [];

/** The real one, whose uploads take a while to give up, as they do over a network. */
vi.mock(import('../../../relay/server/backend.js'), async (original) => {
	const { openBackend } = await original();
	return {
		openBackend: async (...given) => {
			const backend = await openBackend(...given);
			const { store } = backend;
			const putPart = store.putPart.bind(store);
			store.putPart = async (...part) => {
				events.push('begun');
				try {
					return await putPart(...part);
				} finally {
					await sleep(200);
					events.push('given up');
				}
			};
			const close = async () => {
				events.push('closed');
				await backend.close();
			};
			return { ...backend, close };
		},
	};
});

test('what was cut is given up before the store is closed', async () => {
	const setup = await startOnSocket({ stopSeconds: 0 });
	const session = await claimed(setup);
	const { socket } = await open(setup.relay.port);
	const path = routes.part(session.sid, random(16), 0);
	const head = ['Host: a', `Authorization: Bearer ${session.owner}`, 'Content-Length: 1000'];
	const digest = `Content-Digest: sha-256=:${'A'.repeat(43)}=:`;
	socket.write(`${[`PUT ${path} HTTP/1.1`, ...head, digest].join('\r\n')}\r\n\r\nx`);
	await vi.waitFor(() => expect(events).toEqual(['begun']));
	await setup.relay.close();
	expect(events).toEqual(['begun', 'given up', 'closed']);
	expect(setup.lines.at(-1)?.fields).toMatchObject({ method: 'PUT', code: 'bad_request' });
});
