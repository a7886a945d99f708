/**
 * The connections of a server, from their first octet to their last: each answers one request at a time; it is ended when it is
 * idle and the relay stops, cut when nobody reads what it carries or when too many requests wait there, and counted.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Metrics } from '../metrics.js';

interface ConnectionLimits {
	/** Octets a second that a reader must take, on the average of one answer. */
	minRate: number;
	/** What a reader may take longer than that, in milliseconds. */
	patienceMs: number;
	/** How long a body is read and thrown away after its answer, so that the answer arrives. */
	lingerMs: number;
}

/** Requests that wait behind the one being answered (RFC 9112, section 9.3.2). Neither browsers nor proxies send any. */
const MOST_WAITING = 8;

interface Connection {
	/** What is being answered now. */
	answer?: ServerResponse;
	/** Requests that came behind it, in order: each begins when the one before has been answered. */
	waiting: (() => void)[];
	/** Of this answer: octets written before it, and for how long, in milliseconds, some of it waited for its reader. */
	before: number;
	stalled: number;
	lingering?: NodeJS.Timeout;
	counted: { received: number; sent: number };
}

export class Connections {
	readonly #all = new Map<Socket, Connection>();
	readonly #check: NodeJS.Timeout;
	#checked = performance.now();
	#stopping = false;

	constructor(
		private readonly limits: ConnectionLimits,
		private readonly metrics: Metrics,
	) {
		this.#check = setInterval(() => this.#cutSlowReaders(), limits.patienceMs / 2);
		this.#check.unref();
	}

	/**
	 * `listener` is called for one request of a connection at a time, so that its answer always has the connection: Node emits `close`
	 * only for such an answer when the client goes, and whatever feeds it is released then.
	 */
	watch(server: Server, listener: RequestListener): void {
		const asked: RequestListener = (request, response) =>
			this.#asked(request, response, () => listener(request, response));
		server.on('connection', (socket) => this.#opened(socket));
		server.on('request', asked);
		// Expectations that nobody knows are ignored (RFC 9110, section 10.1.1).
		server.on('checkExpectation', asked);
		server.on('drop', () => this.metrics.cut.inc({ reason: 'too_many' }));
		// What waits for its reader is judged by its rate, and Node sees too little of that.
		server.on('timeout', (socket) => {
			if (socket.writableLength === 0) socket.destroy();
		});
	}

	/** The idle ones go now, those that answer when they have answered. */
	stop(): void {
		this.#stopping = true;
		for (const [socket, { answer }] of this.#all) {
			if (!answer) socket.destroy();
			else if (!answer.headersSent) answer.setHeader('Connection', 'close');
		}
	}

	/** It goes now, whatever it carries. */
	cut(socket: Socket, reason: 'broken' | 'pipelined' | 'slow_reader' | 'stopping'): void {
		this.metrics.cut.inc({ reason });
		socket.destroy();
	}

	cutAll(): void {
		for (const socket of this.#all.keys()) this.cut(socket, 'stopping');
	}

	/** No more checks: for when the servers are closed. */
	end(): void {
		clearInterval(this.#check);
	}

	/** Whether an answer has begun, so that nothing else can be said there. */
	answering(socket: Socket): boolean {
		return this.#all.get(socket)?.answer?.headersSent ?? false;
	}

	#opened(socket: Socket): void {
		if (this.#stopping) return void socket.destroy();
		const connection: Connection = { waiting: [], before: 0, stalled: 0, counted: { received: 0, sent: 0 } };
		this.#all.set(socket, connection);
		this.metrics.connections.inc();
		socket.once('close', () => {
			clearTimeout(connection.lingering);
			this.#count(socket, connection);
			this.#all.delete(socket);
			this.metrics.connections.dec();
		});
	}

	/** Node goes on emitting the requests that have come, also when the connection has ended meanwhile. */
	#asked(request: IncomingMessage, response: ServerResponse, answer: () => void): void {
		const { socket } = request;
		const connection = this.#all.get(socket);
		if (!connection || !socket.writable) return;
		const begin = () => this.#begin(connection, request, response, answer);
		if (!connection.answer) begin();
		else if (connection.waiting.length < MOST_WAITING) connection.waiting.push(begin);
		else this.cut(socket, 'pipelined');
	}

	#begin(connection: Connection, request: IncomingMessage, response: ServerResponse, answer: () => void): void {
		const { socket } = request;
		Object.assign(connection, { answer: response, before: socket.bytesWritten, stalled: 0 });
		if (this.#stopping) response.setHeader('Connection', 'close');
		response.once('close', () => {
			delete connection.answer;
			this.#count(socket, connection);
			if (!request.complete) this.#linger(connection, request);
			// Nothing is answered behind the last answer of a connection, whoever said that it was the last.
			if (!socket.writable) return;
			const next = connection.waiting.shift();
			if (next) next();
			else if (this.#stopping && request.complete) socket.destroySoon();
		});
		answer();
	}

	/**
	 * An answer that comes before the end of the body would be lost if the connection were closed at once: the client is
	 * reset while it still sends (RFC 9112, section 9.6).
	 */
	#linger(connection: Connection, request: IncomingMessage): void {
		const { socket } = request;
		if (socket.destroyed) return;
		connection.lingering = setTimeout(() => socket.destroy(), this.limits.lingerMs).unref();
		request.once('end', () => {
			clearTimeout(connection.lingering);
			if (this.#stopping) socket.destroySoon();
		});
		request.resume();
	}

	/**
	 * Who takes at least the rate has taken within that time all that was written. Single steps say nothing: a system takes more only
	 * when a good part of its buffer, which may be megabytes, is free. Time counts while something waits, long polls have nothing, and
	 * while this process runs.
	 */
	#cutSlowReaders(): void {
		const { minRate, patienceMs } = this.limits;
		const now = performance.now();
		const passed = Math.min(now - this.#checked, patienceMs);
		this.#checked = now;
		for (const [socket, connection] of this.#all) {
			if (socket.writableLength === 0) continue;
			connection.stalled += passed;
			const written = socket.bytesWritten - connection.before;
			if (connection.stalled > patienceMs + (written / minRate) * 1000) this.cut(socket, 'slow_reader');
		}
	}

	#count(socket: Socket, { counted }: Connection): void {
		const { bytesRead, bytesWritten } = socket;
		this.metrics.received.inc(Math.max(bytesRead - counted.received, 0));
		this.metrics.sent.inc(Math.max(bytesWritten - counted.sent, 0));
		Object.assign(counted, { received: bytesRead, sent: bytesWritten });
	}
}
