/** Reading request bodies: bounded, and checked while they stream. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import * as v from 'valibot';
import { LIMITS } from '../../contract.js';
import type { RequestInfo } from '../deps.js';
import { RelayError } from '../errors.js';
import { type Pace, Pacer } from './pace.js';
import { fromNode, fromWeb } from './source.js';

/**
 * Chunk by chunk: from Node's own stream where the socket has given one, or the request's. A body that breaks off is the client's
 * doing. When reading stops before its end, a socket's stream is left alive, because the answer goes the same way: what still comes
 * is for the server to throw away.
 * @throws {RelayError} `bad_request`; `request_timeout` when it comes more slowly than `pace` asks
 */
export async function* chunks(request: Request, { body }: RequestInfo = {}, pace?: Pace): AsyncGenerator<Uint8Array> {
	const source = body instanceof Readable ? fromNode(body) : request.body && fromWeb(request.body);
	if (!source) return;
	const length = Number(request.headers.get('Content-Length')) || 0;
	const pacer = pace && new Pacer(pace, length, () => source.fail(new RelayError('request_timeout')));
	try {
		while (true) {
			if (pacer) pacer.waiting = true;
			const chunk = await source.next();
			if (!chunk) return;
			if (pacer) {
				pacer.waiting = false;
				pacer.bytes += chunk.length;
			}
			yield chunk;
		}
	} finally {
		pacer?.end();
		source.stop();
	}
}

/** The whole body as text. @throws {RelayError} `too_large` above `limit` octets, `bad_request` if not UTF-8; as `chunks` */
export async function readText(request: Request, limit: number, info?: RequestInfo, pace?: Pace): Promise<string> {
	if (Number(request.headers.get('Content-Length') ?? 0) > limit) throw new RelayError('too_large');
	const parts: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of chunks(request, info, pace)) {
		bytes += chunk.length;
		if (bytes > limit) throw new RelayError('too_large');
		parts.push(chunk);
	}
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
	} catch (cause) {
		throw new RelayError('bad_request', { cause });
	}
}

/** A JSON body of that shape. @throws {RelayError} `too_large`, `bad_request` */
export async function readJson<T>(
	request: Request,
	schema: v.GenericSchema<unknown, T>,
	info?: RequestInfo,
	pace?: Pace,
): Promise<T> {
	const text = await readText(request, LIMITS.jsonBytes, info, pace);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new RelayError('bad_request');
	}
	const result = v.safeParse(schema, value);
	if (!result.success) throw new RelayError('bad_request');
	return result.output;
}

/** Octets. @throws {RelayError} `length_required`, `bad_request`, `too_large` above `limit` */
export function contentLength(request: Request, limit: number): number {
	const header = request.headers.get('Content-Length');
	if (header === null) throw new RelayError('length_required');
	if (!/^\d{1,15}$/.test(header) || Number(header) === 0) throw new RelayError('bad_request');
	if (Number(header) > limit) throw new RelayError('too_large');
	return Number(header);
}

/** The `sha-256` of `Content-Digest` (RFC 9530, section 2), base64url. @throws {RelayError} `bad_request` */
export function contentDigest(request: Request): string {
	const header = request.headers.get('Content-Digest') ?? '';
	const value = /(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?:,|;|$)/.exec(header)?.[1];
	if (!value) throw new RelayError('bad_request');
	return Buffer.from(value, 'base64').toString('base64url');
}

/** The value of `Content-Digest` for a digest in base64url. */
export function digestHeader(digest: string): string {
	return `sha-256=:${Buffer.from(digest, 'base64url').toString('base64')}:`;
}

/** Passes `body` on. @throws {RelayError} `digest_mismatch` at its end, unless it has that SHA-256 (base64url) */
export async function* checked(body: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Uint8Array> {
	const hash = createHash('sha256');
	for await (const chunk of body) {
		hash.update(chunk);
		yield chunk;
	}
	if (hash.digest('base64url') !== digest) throw new RelayError('digest_mismatch');
}
