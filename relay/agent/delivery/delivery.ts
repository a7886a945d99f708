/** From the sealed manifest to verified NDJSON: nothing leaves here before it was checked. No file is touched. */
import { constants, isAscii, isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Manifest, Source } from '../../contract.js';
import { type AgentKeys, EnvelopeError, openManifest, openPart, sha256 } from '../../envelope.js';
import { CAPS, type Caps } from '../caps.js';
import { AgentError, isTransient } from '../errors.js';
import { exchange, retry, type World } from '../exchange.js';
import { type Access, partRequest, processPartResponse } from '../protocol.js';
import { ahead, oneAhead } from './ahead.js';
import { FETCHES, type Prefetch } from './prefetch.js';

const unzip = promisify<Uint8Array, { maxOutputLength: number; chunkSize: number }, Buffer>(gunzip);

/** By Node's own 16 kB a part comes in hundreds of pieces, each a way to another thread and back. */
const UNZIP_CHUNK = 1024 * 1024;

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
	/** Position of its source in the manifest. */
	source: number;
	ndjson: Buffer;
	sealedBytes: number;
}

interface Opened {
	source: number;
	last: boolean;
	gzipped: Uint8Array;
	sealedBytes: number;
}

/**
 * Fetches, checks, opens and unpacks all parts in the order of the manifest, and compares octets and lines of each
 * source with it at that source's end: only what is read to its end is valid. Ahead of the caller are `FETCHES` parts
 * sealed, and one unpacked.
 * @param early has sealed parts that need not be fetched any more
 * @throws {AgentError} `part_missing`, `part_invalid`, `stream_invalid`, `count_mismatch`, `delivery_too_large`, an
 * error of the relay, `interrupted`
 */
export function readDelivery(
	session: Access,
	sources: Source[],
	world: World,
	caps: Caps = CAPS,
	early?: Prefetch,
): AsyncGenerator<Segment, void, void> {
	const stop = new AbortController();
	const signal = AbortSignal.any([stop.signal, ...(world.signal ? [world.signal] : [])]);
	const parts = openParts(session, sources, { ...world, signal }, early);
	return oneAhead(unpackParts(sources, parts, caps), () => {
		stop.abort();
		early?.stop();
	});
}

function openParts(session: Access, sources: Source[], world: World, early?: Prefetch) {
	const places = sources.flatMap(({ parts }, source) => parts.map((digest, n) => ({ source, digest, n })));
	return ahead(places, FETCHES, async ({ source: position, digest, n }): Promise<Opened> => {
		const source = sources[position] as Source;
		const last = n === source.parts.length - 1;
		const there = await early?.take(source.bid, n);
		const intact = there && (await sha256(there)) === digest;
		const sealed = intact ? there : await fetchPart(session, source.bid, n, digest, world);
		const gzipped = await open(sealed, source, { sid: session.sid, bid: source.bid, n, last });
		return { source: position, last, gzipped, sealedBytes: sealed.length };
	});
}

async function* unpackParts(
	sources: Source[],
	parts: AsyncGenerator<Opened, void, void>,
	caps: Caps,
): AsyncGenerator<Segment, void, void> {
	let bytes = 0;
	let resources = 0;
	for await (const { source: position, last, gzipped, sealedBytes } of parts) {
		const source = sources[position] as Source;
		const ndjson = await unpack(gzipped, source.bytes - bytes, caps.partBytes);
		if (!last && ndjson.at(-1) !== NEWLINE) throw new AgentError('stream_invalid');
		bytes += ndjson.length;
		resources += countLines(ndjson);
		// Before a line of it is looked at: more than was announced is not read to find out how much more.
		if (resources > source.resources) throw new AgentError('count_mismatch');
		yield { source: position, ndjson, sealedBytes };
		if (!last) continue;
		if (bytes !== source.bytes || resources !== source.resources) throw new AgentError('count_mismatch');
		bytes = 0;
		resources = 0;
	}
}

/**
 * Other octets than the manifest's are asked for twice more: the way may have spoilt them, not the store. More octets
 * than a part may have are the relay's doing.
 */
function fetchPart(session: Access, bid: string, n: number, digest: string, world: World): Promise<Uint8Array> {
	const spoilt = (error: unknown) =>
		error instanceof AgentError && error.code === 'part_invalid' && !(error.cause instanceof RangeError);
	return retry(
		world,
		8,
		() => exchange(world, partRequest(session, bid, n), (response) => processPartResponse(response, digest), 600_000),
		(error, attempt): error is AgentError => isTransient(error) || (spoilt(error) && attempt < 2),
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
		const ndjson = await unzip(gzipped, { maxOutputLength: Math.max(1, most), chunkSize: UNZIP_CHUNK });
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

/** @throws {AgentError} `stream_invalid` a line is not UTF-8, not JSON, or not an object */
export function* lines(ndjson: Buffer): Generator<Line, void, void> {
	if (!isUtf8(ndjson)) throw new AgentError('stream_invalid');
	// The same text, several times faster to get.
	const encoding = isAscii(ndjson) ? 'latin1' : 'utf8';
	for (const octets of split(ndjson)) {
		let resource: unknown;
		try {
			resource = JSON.parse(octets.toString(encoding));
		} catch {
			// JSON.parse quotes what it could not read: a record, so no cause.
			throw new AgentError('stream_invalid');
		}
		if (typeof resource !== 'object' || resource === null || Array.isArray(resource))
			throw new AgentError('stream_invalid');
		yield { octets, resource: resource as Record<string, unknown> };
	}
}
