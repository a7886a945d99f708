/**
 * One connection to Redis that never makes anybody wait for long. Nothing is queued while it is away, a command that is not
 * answered in time is given up, and with it the connection: what is silent may be gone for good without the system knowing.
 */
import { createClient } from 'redis';
import type { Log } from '../../deps.js';
import { failureCode, lasting, RedisFailure, refusal } from './failures.js';
import * as delivery from './scripts/delivery.js';
import * as session from './scripts/session.js';
import * as uploads from './scripts/uploads.js';

export const scripts = { ...session, ...uploads, ...delivery };

const CONNECT_MS = 5000;
/** The longest pause between two tries to connect. */
const BACK_OFF_MS = 2000;
/** How often a silent connection is asked whether it is still there; and how long one that is being made may be silent. */
const HEARTBEAT_MS = 3000;
const GREETING_MS = 10_000;
/** How soon a connection to what has become a replica is made anew: its name may lead to another server by then. */
const REPLICA_MS = 5000;

interface ConnectionOptions {
	url: string;
	/** For the log. */
	name: string;
	log: Log;
	/** How long a command may take, in ms. */
	commandMs: number;
	/** Whenever it is there again, and before it is opened. */
	onReady?: (client: RedisClient) => Promise<void>;
}

function makeClient(url: string, reconnect: (tries: number) => number | false) {
	return createClient({
		url,
		scripts,
		disableOfflineQueue: true,
		disableClientInfo: true,
		maintNotifications: 'disabled',
		// The client's own limit ends when a command is written, not when it is answered.
		commandOptions: { timeout: 0 },
		socket: { connectTimeout: CONNECT_MS, socketTimeout: GREETING_MS, reconnectStrategy: reconnect },
	});
}

export type RedisClient = ReturnType<typeof makeClient>;

export class Connection {
	#client: RedisClient;
	#since = performance.now();
	#opened = false;
	#closed = false;
	/** Why it is away, as was last told. */
	#away: string | null = null;
	#heartbeat: NodeJS.Timeout | undefined;

	private constructor(private readonly options: ConnectionOptions) {
		this.#client = this.#make();
	}

	/** @throws {RedisFailure} when Redis cannot be reached now */
	static async open(options: ConnectionOptions): Promise<Connection> {
		const connection = new Connection(options);
		try {
			await connection.#client.connect();
			if (options.onReady) await inTime(options.onReady(connection.#client), options.commandMs);
		} catch (thrown) {
			connection.#client.destroy();
			throw new RedisFailure(failureCode(thrown));
		}
		connection.#opened = true;
		connection.#heartbeat = setInterval(
			() => void connection.run((client) => client.ping()).catch(() => undefined),
			HEARTBEAT_MS,
		).unref();
		return connection;
	}

	/** @throws {RelayError} `unavailable` within the time limit; `internal` for what Redis does not understand */
	async run<T>(task: (client: RedisClient) => Promise<T>): Promise<T> {
		const client = this.#client;
		try {
			return await inTime(task(client), this.options.commandMs);
		} catch (thrown) {
			const code = failureCode(thrown);
			const moved = code === 'READONLY' && performance.now() - this.#since > REPLICA_MS;
			if (code === 'SILENT' || moved) this.#renew(client, code);
			throw refusal(code);
		}
	}

	/** Waits for what was asked before, within the time limit. */
	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		clearInterval(this.#heartbeat);
		await inTime(this.#client.close(), this.options.commandMs).catch(() => undefined);
		this.#client.destroy();
	}

	#make(): RedisClient {
		const client = makeClient(this.options.url, (tries) =>
			this.#opened && !this.#closed ? Math.min(50 * 2 ** tries, BACK_OFF_MS) * (0.75 + Math.random() / 4) : false,
		);
		client.on('error', (thrown) => this.#lost(failureCode(thrown)));
		client.on('ready', () => {
			if (this.#opened && client === this.#client) void this.#back(client);
		});
		return client;
	}

	#renew(client: RedisClient, code: string): void {
		if (client !== this.#client || this.#closed) return;
		this.#lost(code);
		client.destroy();
		this.#since = performance.now();
		this.#client = this.#make();
		// It tries until it is closed; failures are told as they happen.
		this.#client.connect().catch(() => undefined);
	}

	#lost(code: string): void {
		if (!this.#opened || this.#closed) return;
		// That it now refuses is another thing than that nobody answers, and does not pass.
		if (this.#away !== null && (!lasting.has(code) || this.#away === code)) return;
		this.#away = code;
		this.options.log.warn({ connection: this.options.name, systemCode: code }, 'Redis is away');
	}

	async #back(client: RedisClient): Promise<void> {
		const { onReady, log, name } = this.options;
		// When this fails, the connection is lost again.
		if (onReady) await this.run(onReady).catch(() => undefined);
		if (this.#away === null || client !== this.#client) return;
		this.#away = null;
		log.info({ connection: name }, 'Redis is back');
	}
}

async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const silence = new Promise<never>((_, reject) => {
		// One more turn of the event loop: after a long pause of this process the answer may lie there already.
		timer = setTimeout(() => setImmediate(() => reject(new RedisFailure('SILENT'))), ms);
	});
	try {
		return await Promise.race([answer, silence]);
	} finally {
		clearTimeout(timer);
	}
}
