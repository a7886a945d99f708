/** From the sealed manifest to verified NDJSON: nothing leaves here before it was checked. No file is touched. */
import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Manifest, Source } from '../contract.js';
import { type AgentKeys, EnvelopeError, openManifest, openPart } from '../envelope.js';
import { AgentError, isTransient } from './errors.js';
import { exchange, retry, type World } from './exchange.js';
import { type Access, partRequest, processPartResponse } from './protocol.js';

const unzip = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

/** Octets after unpacking. */
export interface Caps {
	/** Of one part; also what the agent holds in memory at a time. */
	partBytes: number;
	/** Of all sources together. */
	totalBytes: number;
	/** Lines of all sources together: each costs more than its octets. */
	totalResources: number;
}

export const CAPS: Caps = {
	partBytes: 96 * 1024 * 1024,
	totalBytes: 4 * 1024 * 1024 * 1024,
	totalResources: 5_000_000,
};

/**
 * @throws {AgentError} `manifest_invalid` it does not open, is not of this session and key, or uses a blob twice;
 * `delivery_too_large` by its own account
 */
export async function openDelivery(session: AgentKeys, jwe: string, caps: Caps = CAPS): Promise<Manifest> {
	let manifest: Manifest;
	try {
		manifest = await openManifest(jwe, session);
	} catch (cause) {
		throw new AgentError('manifest_invalid', { cause });
	}
	const { sources } = manifest;
	if (new Set(sources.map(({ bid }) => bid)).size !== sources.length) throw new AgentError('manifest_invalid');
	const total = (of: 'bytes' | 'resources') => sources.reduce((sum, source) => sum + source[of], 0);
	if (total('bytes') > caps.totalBytes || total('resources') > caps.totalResources)
		throw new AgentError('delivery_too_large');
	return manifest;
}

/** One part, opened: whole lines of NDJSON, and how many octets it had sealed. */
export interface Segment {
	ndjson: Buffer;
	sealedBytes: number;
}

/**
 * Fetches, checks, opens and unpacks the parts of one source in order; at the end compares octets and lines with the
 * manifest, so only a source read to its end is a valid one.
 * @throws {AgentError} `part_missing`, `part_invalid`, `stream_invalid`, `count_mismatch`, `delivery_too_large`, an
 * error of the relay, `interrupted`
 */
export async function* readSource(
	session: Access,
	source: Source,
	world: World,
	caps: Caps = CAPS,
): AsyncGenerator<Segment, void, void> {
	let bytes = 0;
	let resources = 0;
	for (const [n, digest] of source.parts.entries()) {
		const last = n === source.parts.length - 1;
		const sealed = await fetchPart(session, source.bid, n, digest, world);
		const gzipped = await open(sealed, source, { sid: session.sid, bid: source.bid, n, last });
		const ndjson = await unpack(gzipped, source.bytes - bytes, caps.partBytes);
		if (!last && ndjson.at(-1) !== NEWLINE) throw new AgentError('stream_invalid');
		bytes += ndjson.length;
		resources += countLines(ndjson);
		// Before a line of it is looked at: more than was announced is not read to find out how much more.
		if (resources > source.resources) throw new AgentError('count_mismatch');
		yield { ndjson, sealedBytes: sealed.length };
	}
	if (bytes !== source.bytes || resources !== source.resources) throw new AgentError('count_mismatch');
}

/** Other octets than the manifest's are asked for twice more: the way may have spoilt them, not the store. */
function fetchPart(session: Access, bid: string, n: number, digest: string, world: World): Promise<Uint8Array> {
	return retry(
		world,
		8,
		() => exchange(world, partRequest(session, bid, n), (response) => processPartResponse(response, digest), 600_000),
		(error, attempt): error is AgentError =>
			isTransient(error) || (error instanceof AgentError && error.code === 'part_invalid' && attempt < 2),
	);
}

async function open(
	sealed: Uint8Array,
	{ key }: Source,
	position: Parameters<typeof openPart>[2],
): Promise<Uint8Array> {
	try {
		return await openPart(sealed, key, position);
	} catch (cause) {
		if (cause instanceof EnvelopeError) throw new AgentError('part_invalid', { cause });
		throw cause;
	}
}

/** Stops unpacking at what the manifest still allows (`left`) or at the cap, whichever is less. */
async function unpack(gzipped: Uint8Array, left: number, cap: number): Promise<Buffer> {
	const most = Math.min(left, cap, constants.MAX_LENGTH);
	try {
		// zlib knows no limit of 0; what a part may not have is counted just below.
		const ndjson = await unzip(gzipped, { maxOutputLength: Math.max(1, most) });
		if (ndjson.length > most) throw new AgentError('count_mismatch');
		return ndjson;
	} catch (cause) {
		if (cause instanceof AgentError) throw cause;
		const overflow = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
		if (!overflow) throw new AgentError('stream_invalid', { cause });
		throw new AgentError(left <= cap ? 'count_mismatch' : 'delivery_too_large', { cause });
	}
}

const NEWLINE = 0x0a;

/** Only U+000A ends a line; a stream's last line may lack it. */
function* split(ndjson: Buffer): Generator<Buffer, void, void> {
	for (let start = 0; start < ndjson.length; ) {
		const at = ndjson.indexOf(NEWLINE, start);
		const end = at < 0 ? ndjson.length : at + 1;
		yield ndjson.subarray(start, end);
		start = end;
	}
}

function countLines(ndjson: Buffer): number {
	let lines = 0;
	for (const _ of split(ndjson)) lines++;
	return lines;
}

/** One resource and its octets as they came, line end included. */
export interface Line {
	octets: Buffer;
	resource: Record<string, unknown>;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws {AgentError} `stream_invalid` a line is not UTF-8, not JSON, or not an object */
export function* lines(ndjson: Buffer): Generator<Line, void, void> {
	for (const octets of split(ndjson)) {
		let resource: unknown;
		try {
			resource = JSON.parse(strict.decode(octets));
		} catch {
			// JSON.parse quotes what it could not read: a record, so no cause.
			throw new AgentError('stream_invalid');
		}
		if (typeof resource !== 'object' || resource === null || Array.isArray(resource))
			throw new AgentError('stream_invalid');
		yield { octets, resource: resource as Record<string, unknown> };
	}
}
