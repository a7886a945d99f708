/** What is refused before the relay has a request: malformed, oversized or too slow HTTP. Nothing of it is echoed or logged. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { RelayErrorCode } from '../../contract.js';
import type { Log } from '../deps.js';
import { problem, RelayError } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { apiPolicy } from './headers.js';

export interface Surroundings {
	/** Of every answer. */
	headers: Record<string, string>;
	log: Log;
	metrics: Metrics;
}

/** Headers or a body that have begun and do not end; everything else is no HTTP. */
const codes: Record<string, RelayErrorCode> = { ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout' };

const CLOSE_MS = 2000;

/**
 * Answers what Node could not read, or has given up, and closes. `answering`: a part of another answer is on its way there, so that
 * nothing can be said any more.
 */
export async function refuseSocket(
	thrown: NodeJS.ErrnoException,
	socket: Socket,
	answering: boolean,
	surroundings: Surroundings,
): Promise<void> {
	// The peer has gone, in the middle of what it said perhaps, or opened the connection beforehand, as browsers do, and did not need
	// it: nobody was refused.
	const gone = thrown.code === 'ECONNRESET' || thrown.code === 'HPE_INVALID_EOF_STATE';
	if (gone || !socket.writable || socket.bytesRead === 0) return void socket.destroy();
	await tell(socket, answering, refusal(codes[thrown.code ?? ''] ?? 'bad_request', surroundings, thrown.code));
}

/** A tunnel (RFC 9110, section 9.3.6) that is asked for. Node leaves the socket to whoever hears of it, its errors too. */
export async function refuseTunnel(socket: Socket, answering: boolean, surroundings: Surroundings): Promise<void> {
	socket.on('error', () => undefined).resume();
	await tell(socket, answering, refusal('bad_request', surroundings));
}

/** Instead of a request: its target or host is no URL, or it says no host, or several. */
export function notARequest(surroundings: Surroundings): Response {
	return refusal('bad_request', surroundings);
}

/** Exactly one host, except for HTTP/1.0, which need not say one (RFC 9112, section 3.2). Of several, Node takes the first. */
export function saysItsHost({ headersDistinct: { host = [] }, httpVersion }: IncomingMessage): boolean {
	return host.length === 1 || (host.length === 0 && httpVersion === '1.0');
}

function refusal(code: RelayErrorCode, { headers, log, metrics }: Surroundings, systemCode?: string): Response {
	const correlationId = randomUUID();
	metrics.refusals.inc({ code });
	log.info({ code, ...(systemCode && { systemCode }), correlationId }, 'refused before it was a request');
	const answer = problem(new RelayError(code), correlationId);
	const more = { ...headers, 'Content-Security-Policy': apiPolicy, Connection: 'close' };
	for (const [name, value] of Object.entries(more)) answer.headers.set(name, value);
	return answer;
}

async function tell(socket: Socket, answering: boolean, answer: Response): Promise<void> {
	if (answering) return void socket.destroy();
	const body = await answer.text();
	answer.headers.set('Content-Length', String(Buffer.byteLength(body)));
	const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
	// Whoever does not close his side either is not waited for.
	socket.setTimeout(CLOSE_MS, () => socket.destroy());
	socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}
