/** What stores have in common of a part: its order among others, its way in when it is there already, and its way out. */
import type { Clock } from '../clock.js';
import { RelayError, toRelayError } from '../errors.js';
import type { PartInfo, PartPosition } from './store.js';

/** What is read at once on the way out. The socket's adapter has two or three of these before it looks whether anybody takes them. */
const PIECE_BYTES = 128 * 1024;

/** An outgoing part of which nothing was taken for so long has no reader: any that is fast enough has emptied the system's buffers. */
const IDLE_MS = 20 * 60_000;

/** In order of `bid` and `n`. */
export function inOrder(parts: Iterable<PartInfo>): PartInfo[] {
	const before = (a: PartPosition, b: PartPosition) => (a.bid === b.bid ? a.n - b.n : a.bid < b.bid ? -1 : 1);
	return [...parts].sort(before);
}

/** Reads a body to its end, for what is there already. @throws {RelayError} `bad_request` unless it has so many octets */
export async function drain(body: AsyncIterable<Uint8Array>, bytes: number): Promise<void> {
	let read = 0;
	for await (const chunk of body) {
		read += chunk.length;
		if (read > bytes) break;
	}
	if (read !== bytes) throw new RelayError('bad_request');
}

export interface Outgoing {
	bytes: number;
	/** Exactly `length` octets; anything else means that they are no longer there. */
	read(from: number, length: number): Promise<Uint8Array | null>;
	/** Called once: as soon as nothing more is read. */
	close?(): Promise<void>;
	/** Called when it has all been taken, when nobody wants it any more, or when reading failed; perhaps twice. */
	over(): void;
}

/**
 * The octets as they are pulled. The first of them are read before this resolves, so that what is gone can still be refused; what goes
 * later ends the stream with a RelayError.
 */
export async function streamOf(
	clock: Clock,
	{ bytes, read, close, over }: Outgoing,
): Promise<ReadableStream<Uint8Array>> {
	let at = 0;
	let closed = false;
	let cancelIdle: () => void = () => undefined;
	const readNoMore = async () => {
		if (closed) return;
		closed = true;
		await close?.();
	};
	const end = async () => {
		cancelIdle();
		over();
		await readNoMore();
	};
	const watch = () => {
		cancelIdle();
		cancelIdle = clock.after(IDLE_MS, () => void end().catch(() => undefined));
	};
	const next = async () => {
		if (closed) throw new RelayError('request_timeout');
		const length = Math.min(PIECE_BYTES, bytes - at);
		const piece = await read(at, length);
		if (piece?.length !== length) throw new RelayError('session_gone');
		at += length;
		if (at === bytes) await readNoMore();
		return piece;
	};
	let first: Uint8Array | null;
	try {
		first = await next();
	} catch (cause) {
		await end();
		throw cause;
	}
	watch();
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					const piece = first ?? (await next());
					first = null;
					watch();
					if (piece.length > 0) controller.enqueue(piece);
					if (at < bytes) return;
					await end();
					controller.close();
				} catch (cause) {
					await end().catch(() => undefined);
					controller.error(toRelayError(cause));
				}
			},
			cancel: end,
		},
		{ highWaterMark: 0 },
	);
}
