/** A file of NDJSON, line by line, in the memory that its longest line takes. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { CAPS } from '../caps.js';
import { AgentError } from '../errors.js';
import { isObject, type Json } from '../json.js';
import { damaged } from './files.js';
import { keepNumbers } from './numbers.js';

const CHUNK = 1024 * 1024;
const NEWLINE = 0x0a;

interface Line {
	/** From the start of the file. */
	offset: number;
	/** Without its line end. Valid until the next line is asked for. */
	octets: Buffer;
}

/** @throws {AgentError} `records_damaged` a line longer than any that is taken in */
export async function* linesOf(file: FileHandle): AsyncGenerator<Line, void, void> {
	let held: Buffer[] = [];
	let heldBytes = 0;
	let offset = 0;
	for (let position = 0; ; ) {
		// Each chunk anew: what is held must not be written over.
		const chunk = Buffer.allocUnsafe(CHUNK);
		const read = await readAt(file, chunk, position);
		position += read.length;
		let start = 0;
		for (let at = read.indexOf(NEWLINE); at >= 0; at = read.indexOf(NEWLINE, start)) {
			const rest = read.subarray(start, at);
			const octets = held.length > 0 ? Buffer.concat([...held, rest]) : rest;
			yield { offset, octets };
			offset += octets.length + 1;
			start = at + 1;
			held = [];
			heldBytes = 0;
		}
		if (start < read.length) held.push(read.subarray(start));
		heldBytes += read.length - start;
		if (heldBytes > CAPS.partBytes) throw new AgentError('records_damaged');
		if (read.length > 0) continue;
		if (heldBytes > 0) yield { offset, octets: Buffer.concat(held) };
		return;
	}
}

/** The line that begins at `offset`. @throws {AgentError} `records_damaged` */
export async function lineAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
	const octets = Buffer.allocUnsafe(bytes);
	for (let got = 0; got < bytes; ) {
		const read = await readAt(file, octets.subarray(got), offset + got);
		if (read.length === 0) throw new AgentError('records_damaged');
		got += read.length;
	}
	return octets;
}

/** @throws {AgentError} `records_damaged` it is not UTF-8 */
export function textOfLine(octets: Buffer): string {
	if (isAscii(octets)) return octets.toString('latin1');
	if (!isUtf8(octets)) throw new AgentError('records_damaged');
	return octets.toString('utf8');
}

/** @throws {AgentError} `records_damaged` it is not JSON, or not an object */
export function parseLine(text: string): Json {
	let value: unknown;
	try {
		value = JSON.parse(keepNumbers(text));
	} catch {
		// JSON.parse quotes what it could not read: a record, so no cause.
		throw new AgentError('records_damaged');
	}
	if (!isObject(value)) throw new AgentError('records_damaged');
	return value;
}

async function readAt(file: FileHandle, into: Buffer, position: number): Promise<Buffer> {
	try {
		const { bytesRead } = await file.read(into, 0, into.length, position);
		return into.subarray(0, bytesRead);
	} catch (cause) {
		throw damaged(cause);
	}
}
