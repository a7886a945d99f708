/** Reading request bodies: bounded, and checked while they stream. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { LIMITS } from '../contract.js';
import { RelayError } from './errors.js';

/** Chunk by chunk. A body that breaks off is the client's doing: `bad_request`. */
export async function* chunks(request: Request): AsyncGenerator<Uint8Array> {
	if (!request.body) return;
	const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
	let ended = false;
	try {
		while (true) {
			const { done, value } = await reader.read().catch((cause: unknown) => {
				ended = true;
				throw new RelayError('bad_request', { cause });
			});
			ended ||= done;
			if (done) return;
			yield value;
		}
	} finally {
		if (!ended) await reader.cancel().catch(() => undefined);
	}
}

/** The whole body as text. @throws {RelayError} `too_large` above `limit` octets, `bad_request` if not UTF-8. */
export async function readText(request: Request, limit: number): Promise<string> {
	if (Number(request.headers.get('Content-Length') ?? 0) > limit) throw new RelayError('too_large');
	const parts: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of chunks(request)) {
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
export async function readJson<T>(request: Request, schema: v.GenericSchema<unknown, T>): Promise<T> {
	const text = await readText(request, LIMITS.jsonBytes);
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
