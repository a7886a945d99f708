/** What Node refuses before there is a request: malformed, oversized or too slow HTTP. Nothing of it is echoed or logged. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { RelayErrorCode } from '../../contract.js';
import type { Log } from '../deps.js';
import { problem, RelayError } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { apiPolicy } from './headers.js';

/** A body that has begun and does not end, and headers that do not; everything else is no HTTP. */
const codes: Record<string, RelayErrorCode> = { ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout' };

const CLOSE_MS = 2000;

/** Answers and closes. `answering`: a part of another answer is on its way there, so that nothing can be said any more. */
export async function refuseSocket(
	thrown: NodeJS.ErrnoException,
	socket: Socket,
	{ answering, headers, log, metrics }: { answering: boolean; headers: object; log: Log; metrics: Metrics },
): Promise<void> {
	// The peer has gone, or opened the connection beforehand, as browsers do, and did not need it: nobody was refused.
	if (thrown.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0) return void socket.destroy();
	const code = codes[thrown.code ?? ''] ?? 'bad_request';
	const correlationId = randomUUID();
	metrics.refusals.inc({ code });
	log.info({ code, systemCode: thrown.code, correlationId }, 'refused before it was a request');
	if (answering) return void socket.destroy();
	const answer = problem(new RelayError(code), correlationId);
	const body = await answer.text();
	const fields = {
		...Object.fromEntries(answer.headers),
		...headers,
		'Content-Security-Policy': apiPolicy,
		'Content-Length': Buffer.byteLength(body),
		Connection: 'close',
	};
	const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
	// Whoever does not close his side either is not waited for.
	socket.setTimeout(CLOSE_MS);
	socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** What the adapter cannot make a `Request` of: a target or a host that is no URL. */
export function notARequest({ log, metrics }: { log: Log; metrics: Metrics }): Response {
	const correlationId = randomUUID();
	metrics.refusals.inc({ code: 'bad_request' });
	log.info({ code: 'bad_request', correlationId }, 'refused before it was a request');
	return problem(new RelayError('bad_request'), correlationId);
}
