/**
 * Preloaded (`node --import`) into the sandbox EHR and the relay as they are built: notes every request, and tells its parent
 * by IPC. `'log'` answers the requests since the last time.
 */
import { subscribe } from 'node:diagnostics_channel';

/** Milliseconds since the epoch. */
const now = () => performance.timeOrigin + performance.now();

let log = [];

subscribe('http.server.request.start', ({ request: { method, url, headers }, response }) => {
	const noted = {
		method,
		url,
		accept: headers.accept ?? null,
		length: Number(headers['content-length'] ?? 0),
		at: now(),
		end: 0,
	};
	log.push(noted);
	response.once('close', () => {
		noted.end = now();
	});
});

process.on('message', () => {
	process.send?.({ log });
	log = [];
});

// Nobody is left to end it.
process.on('disconnect', () => process.exit());
