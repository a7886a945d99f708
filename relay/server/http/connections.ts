/**
 * The connections of a server, from their first octet to their last: ended when they are idle and the relay stops, cut when
 * nobody reads what they carry, and counted.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Metrics } from '../metrics.js';

export interface ConnectionLimits {
	/** Octets a second that a reader must take. */
	minRate: number;
	/** What a reader may take longer than that, in milliseconds. */
	patienceMs: number;
	/** How long a body is read and thrown away after its answer, so that the answer arrives. */
	lingerMs: number;
}

interface Connection {
	/** Answers that have not ended. Pipelined requests are several. */
	answers: Set<ServerResponse>;
	/** Octets that have left this process, and when there were last more of them or nothing to send. */
	left: number;
	since: number;
	counted: { received: number; sent: number };
}

export class Connections {
	readonly #all = new Map<Socket, Connection>();
	readonly #check: NodeJS.Timeout;
	#stopping = false;

	constructor(
		private readonly limits: ConnectionLimits,
		private readonly metrics: Metrics,
	) {
		this.#check = setInterval(() => this.#cutSlowReaders(), limits.patienceMs / 2);
		this.#check.unref();
	}

	watch(server: Server): void {
		server.on('connection', (socket) => this.#opened(socket));
		server.on('request', (request, response) => this.#asked(request, response));
		server.on('drop', () => this.metrics.cut.inc({ reason: 'too_many' }));
	}

	/** The idle ones go now, those that answer when they have answered. */
	stop(): void {
		this.#stopping = true;
		for (const [socket, { answers }] of this.#all) {
			if (answers.size === 0) socket.destroy();
			for (const answer of answers) if (!answer.headersSent) answer.setHeader('Connection', 'close');
		}
	}

	/** All of them go, whatever they carry. */
	cut(): void {
		for (const socket of this.#all.keys()) {
			this.metrics.cut.inc({ reason: 'stopping' });
			socket.destroy();
		}
	}

	/** No more checks: for when the servers are closed. */
	end(): void {
		clearInterval(this.#check);
	}

	/** Whether an answer has begun, so that nothing else can be said there. */
	answering(socket: Socket): boolean {
		return [...(this.#all.get(socket)?.answers ?? [])].some((answer) => answer.headersSent);
	}

	#opened(socket: Socket): void {
		if (this.#stopping) return void socket.destroy();
		this.#all.set(socket, {
			answers: new Set(),
			left: 0,
			since: performance.now(),
			counted: { received: 0, sent: 0 },
		});
		this.metrics.connections.inc();
		socket.once('close', () => {
			this.#count(socket);
			this.#all.delete(socket);
			this.metrics.connections.dec();
		});
	}

	#asked(request: IncomingMessage, response: ServerResponse): void {
		const { socket } = request;
		const connection = this.#all.get(socket);
		if (!connection) return;
		connection.answers.add(response);
		if (this.#stopping && !response.headersSent) response.setHeader('Connection', 'close');
		response.once('close', () => {
			connection.answers.delete(response);
			this.#count(socket);
			if (!request.complete) this.#linger(request);
			else if (this.#stopping && connection.answers.size === 0) socket.destroySoon();
		});
	}

	/**
	 * An answer that comes before the end of the body would be lost if the connection were closed at once: the client is
	 * reset while it still sends (RFC 9112, section 9.6).
	 */
	#linger(request: IncomingMessage): void {
		const { socket } = request;
		if (socket.destroyed) return;
		const timer = setTimeout(() => socket.destroy(), this.limits.lingerMs);
		timer.unref();
		request.once('end', () => {
			clearTimeout(timer);
			if (this.#stopping) socket.destroySoon();
		});
		socket.once('close', () => clearTimeout(timer));
		request.resume();
	}

	/** Who takes at least the rate has taken within that time all that is pending; long polls that wait have nothing pending. */
	#cutSlowReaders(): void {
		const now = performance.now();
		for (const [socket, connection] of this.#all) {
			const pending = socket.writableLength;
			const left = socket.bytesWritten - pending;
			if (pending === 0 || left > connection.left) Object.assign(connection, { left, since: now });
			if (now - connection.since <= this.limits.patienceMs + (pending / this.limits.minRate) * 1000) continue;
			this.metrics.cut.inc({ reason: 'slow_reader' });
			socket.destroy();
		}
	}

	#count(socket: Socket): void {
		const counted = this.#all.get(socket)?.counted;
		if (!counted) return;
		const { bytesRead, bytesWritten } = socket;
		this.metrics.received.inc(Math.max(bytesRead - counted.received, 0));
		this.metrics.sent.inc(Math.max(bytesWritten - counted.sent, 0));
		Object.assign(counted, { received: bytesRead, sent: bytesWritten });
	}
}
