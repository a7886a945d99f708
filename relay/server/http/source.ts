/** Where the octets of a body come from: Node's own stream, or a web stream. */
import type { Readable } from 'node:stream';
import { RelayError } from '../errors.js';

export interface Source {
	/** Null at the end. @throws {RelayError} `bad_request` when the body breaks off; what `fail` was called with */
	next(): Promise<Uint8Array | null>;
	/** Lets `next` throw that from now on, also one that is being waited for. */
	fail(cause: RelayError): void;
	/** Nothing more is read. A web stream is cancelled; what is left of a socket's request is its adapter's to deal with. */
	stop(): void;
}

/** Octets that wait here before the socket is told to wait. */
const AHEAD = 64 * 1024;

/** Several chunks are read in one turn of the event loop while somebody waits for them; the stream's own iterator takes a turn each. */
export function fromNode(stream: Readable): Source {
	const ahead: Uint8Array[] = [];
	let bytes = 0;
	let ended = stream.readableEnded;
	let failure: RelayError | undefined;
	let wake: (() => void) | undefined;

	const fail = (cause: RelayError) => {
		failure ??= cause;
		wake?.();
	};
	const onData = (chunk: Uint8Array) => {
		ahead.push(chunk);
		bytes += chunk.length;
		if (wake) wake();
		else if (bytes >= AHEAD) stream.pause();
	};
	const onEnd = () => {
		ended = true;
		wake?.();
	};
	const onClose = (cause?: unknown) => {
		if (!ended) fail(new RelayError('bad_request', { cause }));
	};
	if (stream.destroyed) onClose(stream.errored);
	// The listener for errors stays: one that comes later concerns nobody.
	stream.on('error', onClose).on('end', onEnd).on('close', onClose).on('data', onData);

	return {
		async next() {
			while (ahead.length === 0) {
				if (failure) throw failure;
				if (ended) return null;
				stream.resume();
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
				wake = undefined;
			}
			if (failure) throw failure;
			const chunk = ahead.shift()!;
			bytes -= chunk.length;
			return chunk;
		},
		fail,
		stop() {
			stream.off('end', onEnd).off('close', onClose).off('data', onData);
			if (!ended) stream.pause();
		},
	};
}

export function fromWeb(stream: ReadableStream<Uint8Array>): Source {
	const reader: ReadableStreamDefaultReader<Uint8Array> = stream.getReader();
	let over = false;
	let failure: RelayError | undefined;
	const cancel = () => void reader.cancel().catch(() => undefined);
	return {
		async next() {
			const { done, value } = await reader.read().catch((cause: unknown) => {
				over = true;
				throw new RelayError('bad_request', { cause });
			});
			if (failure) throw failure;
			over = done;
			return done ? null : value;
		},
		fail(cause) {
			failure ??= cause;
			// Whoever waits is told that the stream is over, and looks why.
			cancel();
		},
		stop() {
			if (!over) cancel();
		},
	};
}
