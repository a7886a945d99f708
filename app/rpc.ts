import {
	CONTRACT_VERSION,
	type CommandMessage,
	type CommandName,
	type ErrorCode,
	type Payload,
	type Reply,
	type ReplyMessage,
	type WireError,
} from '../sw/contract.js';

/** A command that was answered with an error, or (`worker_missing`, `worker_silent`) not at all. */
export class BrokerError extends Error {
	override name = 'BrokerError';
	constructor(
		readonly wire: WireError,
		options?: ErrorOptions,
	) {
		super(wire.code, options);
	}
	get code(): ErrorCode {
		return this.wire.code;
	}
}

/** What went wrong, as the border has it; anything that is not a `BrokerError` is a fault of the page. */
export function wireError(error: unknown): WireError {
	return error instanceof BrokerError ? error.wire : { code: 'internal', correlationId: 'page' };
}

/** How long to wait before the same message is posted again, in milliseconds: the worker may have died with it. */
const SILENCE = 4_000;

/** How long until a command counts as unanswered, in milliseconds. */
const LIMIT = 20_000;
const LIMITS: Partial<Record<CommandName, number>> = {
	// The first one may bring a large directory over a slow network.
	'providers.search': 60_000,
	'connect.start': 80_000,
	'connection.refresh': 60_000,
	'connection.remove': 45_000,
	'connect.settle': 100_000,
	'lock.enable': 60_000,
	'lock.disable': 60_000,
	'lock.now': 45_000,
	'lock.unlock': 90_000,
	'backup.create': 100_000,
	'backup.restore': 100_000,
	'backup.resume': 100_000,
	'backup.forget': 60_000,
	'connections.clear': 60_000,
	'session.open': 60_000,
	'session.send': 45_000,
	'job.run': 90_000,
	'job.cancel': 45_000,
	'job.retry': 45_000,
};

export interface Rpc {
	/** @throws {BrokerError} the worker's error; `worker_silent` without a reply; what `post` throws. */
	call<C extends CommandName>(command: C, payload: Payload<C>): Promise<Reply<C>>;
	/** Takes whatever message came from the worker; ignores what answers nothing. */
	receive(data: unknown): void;
}

/**
 * Requests and replies over `post`, which may fail or lose messages. The same message (same `id`) is posted again after
 * each silence, since a worker can die between taking a command and answering it; commands are idempotent.
 */
export function createRpc(post: (message: CommandMessage) => Promise<void>): Rpc {
	const pending = new Map<string, { resolve(reply: Reply<CommandName>): void; reject(error: BrokerError): void }>();

	return {
		call<C extends CommandName>(command: C, payload: Payload<C>) {
			const id = crypto.randomUUID();
			// The compiler cannot pair C with Payload<C> inside the union; the signature above has done so.
			const message = { satchel: CONTRACT_VERSION, id, command, payload } as CommandMessage;
			return new Promise<Reply<C>>((resolve, reject) => {
				const send = () => {
					post(message).catch((error) =>
						fail(error instanceof BrokerError ? error : localError('worker_missing', error)),
					);
				};
				const again = setInterval(send, SILENCE);
				const limit = setTimeout(() => fail(localError('worker_silent')), LIMITS[command] ?? LIMIT);
				const settle = () => {
					clearInterval(again);
					clearTimeout(limit);
					pending.delete(id);
				};
				const fail = (error: BrokerError) => {
					settle();
					reject(error);
				};
				pending.set(id, {
					resolve(reply) {
						settle();
						resolve(reply as Reply<C>);
					},
					reject: fail,
				});
				send();
			});
		},

		receive(data) {
			if (!isReply(data)) return;
			const waiting = pending.get(data.id);
			if (!waiting) return;
			if (data.satchel !== CONTRACT_VERSION) waiting.reject(localError('version_mismatch'));
			else if (data.ok) waiting.resolve(data.reply);
			else waiting.reject(new BrokerError(data.error));
		},
	};
}

function isReply(data: unknown): data is ReplyMessage {
	return typeof data === 'object' && data !== null && 'satchel' in data && 'id' in data && 'ok' in data;
}

/** An error that this page made itself. */
export function localError(code: ErrorCode, cause?: unknown): BrokerError {
	return new BrokerError({ code, correlationId: 'page' }, { cause });
}
