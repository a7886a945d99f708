/** The lines of a copy's parts, one part in memory at a time, and the index that says which of them count. */
import { openPart } from '../../relay/envelope.js';
import { BrokerError } from '../errors.js';
import { gunzip } from '../jobs/gzip.js';
import { type Part, partKey } from '../jobs/job.js';
import type { RowKey } from '../wallet/db.js';
import { read, readRaw } from '../wallet/rows.js';
import type { CopyStream } from './copy.js';
import { textOf } from './typical.js';

/** Where a resource's newest line is: the stream's number in `CopyType.streams`; octets without a line end; a hash of them. */
export type Entry = [stream: number, octets: number, hash: string];

/** By the resource's id; by the line's hash where it has none. */
export type Index = Map<string, Entry>;

/** As it lies on disk. `text`: octets that a model reads. */
export interface IndexRow {
	entries: [id: string, ...Entry][];
	text: number;
}

export const indexKey = (job: string, type: string): RowKey => ['index', job, 0, type];

/** @throws {BrokerError} `copy_gone` */
export async function readIndex(job: string, type: string): Promise<{ index: Index; text: number }> {
	const row = await read<IndexRow>(indexKey(job, type));
	if (!row) throw new BrokerError('copy_gone');
	const { entries, text } = row.value;
	return { index: new Map(entries.map(([id, ...entry]) => [id, entry])), text };
}

export function indexRow(index: Index, text: number): IndexRow {
	return { entries: [...index].map(([id, entry]) => [id, ...entry]), text };
}

/** The octets of one part. @throws {BrokerError} `copy_gone` */
export async function openStored(type: string, stream: CopyStream, n: number): Promise<Uint8Array> {
	const { job, bid, key, parts } = stream;
	const part = await readRaw<Part>(partKey(job, 0, type, n));
	if (!part?.octets) throw new BrokerError('copy_gone');
	const position = { sid: job, bid, n, last: n === parts - 1 };
	return gunzip((await openPart(part.octets, key, position)) as Uint8Array<ArrayBuffer>);
}

/** A part ends where a line ends. Views into `octets`. */
export function* linesOf(octets: Uint8Array): Generator<Uint8Array> {
	for (let from = 0; from < octets.length; ) {
		const end = octets.indexOf(10, from);
		const to = end < 0 ? octets.length : end;
		if (to > from) yield octets.subarray(from, to);
		from = to + 1;
	}
}

const utf8 = new TextDecoder();

/** As most servers begin: nothing can stand in front that would be another's id. */
const EARLY = /^\{\s*"resourceType"\s*:\s*"[A-Za-z]+"\s*,\s*"id"\s*:\s*"([A-Za-z0-9.-]{1,64})"/;
/** A member that may be an id, of whatever depth, with or without escapes. */
const ID = /"(?:i|\\u0069)(?:d|\\u0064)"\s*:/g;

/** As JSON.parse has it, for which the last of several ids counts, without parsing what cannot have several. */
export function idOf(line: Uint8Array): string | null {
	const text = utf8.decode(line);
	const early = EARLY.exec(text);
	ID.lastIndex = early?.[0].length ?? 0;
	if (early?.[1] && !ID.test(text)) return early[1];
	const { id }: { id?: unknown } = JSON.parse(text);
	return typeof id === 'string' ? id : null;
}

/** What a line goes by in the index. */
export function keyOf(line: Uint8Array): string {
	return idOf(line) ?? `#${hashOf(line)}`;
}

/**
 * 64 bits, after cyrb and Murmur (public domain) with four octets a step: to tell a change from none, not against an
 * adversary, who gains nothing by hiding a change in a record that is theirs to serve.
 */
export function hashOf(octets: Uint8Array): string {
	let a = 0xdeadbeef ^ octets.length;
	let b = 0x41c6ce57;
	for (let i = 0; i < octets.length; i += 4) {
		// Past the end: undefined, which is 0 here.
		const word =
			(octets[i] as number) |
			((octets[i + 1] as number) << 8) |
			((octets[i + 2] as number) << 16) |
			((octets[i + 3] as number) << 24);
		a = Math.imul(a ^ word, 2654435761);
		a ^= a >>> 15;
		b = Math.imul(b ^ word, 1597334677);
		b ^= b >>> 13;
	}
	a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
	b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
	return (a >>> 0).toString(36) + (b >>> 0).toString(36).padStart(7, '0');
}

/** Of a stream that was just read. @returns null where `signal` was aborted */
export async function makeIndex(type: string, stream: CopyStream, signal: AbortSignal): Promise<IndexRow | null> {
	const index: Index = new Map();
	let text = 0;
	for (let n = 0; n < stream.parts; n++) {
		if (signal.aborted) return null;
		for (const line of linesOf(await openStored(type, stream, n))) {
			index.set(keyOf(line), [0, line.length, hashOf(line)]);
			text += textOf(type, line);
		}
	}
	return indexRow(index, text);
}
