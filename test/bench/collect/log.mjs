/**
 * Preloaded (`node --import`) into the sandbox EHR and the relay as they are built: notes every request, and tells its parent
 * by IPC. `'log'` answers the requests since the last time.
 */
import { subscribe } from 'node:diagnostics_channel';

let log = [];

subscribe('http.server.request.start', ({ request: { method, url, headers } }) => {
	log.push({ method, url, accept: headers.accept ?? null, length: Number(headers['content-length'] ?? 0) });
});

process.on('message', () => {
	process.send?.({ log });
	log = [];
});

// Nobody is left to end it.
process.on('disconnect', () => process.exit());
