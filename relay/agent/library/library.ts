/**
 * A delivery on disk, read again: `index.json` and the NDJSON files beside it. Read-only, and in streams: records may be
 * larger than memory should be.
 */
import { lstat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { CAPS } from '../caps.js';
import { AgentError } from '../errors.js';
import { INDEX } from '../layout.js';
import { damaged, openFile, readWhole } from './files.js';
import { Hashes, hashOf } from './hashes.js';
import { lineAt, linesOf, parseLine, textOfLine } from './lines.js';
import { Offsets } from './offsets.js';
import { ownId, parseRef, refOf } from './ref.js';
import { INDEX_BYTES, Index, type SourceEntry } from './shape.js';

/** One resource and where it is. */
export interface Item {
	/** `01-lakeside-health/Observation/abc`; of a resource without an id of its own, `…/Observation/#12` by its line, from 1. */
	ref: string;
	source: SourceEntry;
	/** Parsed; a number that JavaScript would write otherwise (1.50) is the string of its text (`numbers.ts`). */
	resource: Record<string, unknown>;
}

export interface Library {
	readonly dir: string;
	readonly index: Index;
	/**
	 * Every resource, or those of `types` and of the source in `folder`: source by source, file by file (in the order of their
	 * names), line by line.
	 */
	items(types?: readonly string[], folder?: string): AsyncGenerator<Item, void, void>;
	/**
	 * By its ref; of two with one id it is the first, and each can be had by its line. `text` is its line as served.
	 * @throws {AgentError} `ref_unknown`
	 */
	item(ref: string): Promise<Item & { text: string }>;
	/** The octets of a document, by its `file` in the index. @throws {AgentError} `ref_unknown` */
	document(source: SourceEntry, file: string): Promise<Uint8Array>;
}

/**
 * @param dir the output folder of a delivery, or its staging folder before it is moved into place
 * @throws {AgentError} `no_records` nothing was delivered there; `records_damaged` what is there is not what was written,
 * here and in every reading
 */
export async function openLibrary(dir: string): Promise<Library> {
	const root = resolve(dir);
	return new Delivery(root, await readIndex(root));
}

class Delivery implements Library {
	readonly #offsets = new Map<string, Promise<Offsets>>();

	constructor(
		readonly dir: string,
		readonly index: Index,
	) {}

	async *items(types?: readonly string[], folder?: string): AsyncGenerator<Item, void, void> {
		for (const source of this.index.sources) {
			if (folder !== undefined && source.folder !== folder) continue;
			for (const type of Object.keys(source.types).sort()) {
				if (!types || types.includes(type)) yield* this.#file(source, type);
			}
		}
	}

	async *#file(source: SourceEntry, type: string): AsyncGenerator<Item, void, void> {
		const file = await openFile(this.dir, source.folder, `${type}.ndjson`);
		try {
			let line = 0;
			const seen = new Hashes();
			for await (const { octets } of linesOf(file)) {
				const resource = parseLine(textOfLine(octets));
				const id = ownId(resource);
				line++;
				// By two of one hash nothing is lost: every resource can be had by its line.
				const name = id !== null && !seen.see(hashOf(id)) ? id : line;
				yield { ref: refOf(source.folder, type, name), source, resource };
			}
			if (line !== source.types[type]) throw new AgentError('records_damaged');
		} finally {
			await file.close();
		}
	}

	async item(ref: string): Promise<Item & { text: string }> {
		const asked = parseRef(ref);
		const source = this.index.sources.find(({ folder }) => folder === asked?.folder);
		if (!asked || !source || !Object.hasOwn(source.types, asked.type)) throw new AgentError('ref_unknown');
		const { type, id } = asked;
		const offsets = await this.#offsetsOf(source, type);
		const file = await openFile(this.dir, source.folder, `${type}.ndjson`);
		try {
			for (const n of typeof id === 'number' ? [id - 1] : offsets.candidates(id)) {
				const place = offsets.line(n);
				if (!place) break;
				const text = textOfLine(await lineAt(file, place.offset, place.bytes));
				const resource = parseLine(text);
				if (typeof id === 'string' && ownId(resource) !== id) continue;
				return { ref, source, resource, text };
			}
			throw new AgentError('ref_unknown');
		} finally {
			await file.close();
		}
	}

	#offsetsOf(source: SourceEntry, type: string): Promise<Offsets> {
		const name = `${source.folder}/${type}`;
		const known = this.#offsets.get(name);
		if (known) return known;
		const built = this.#build(source, type);
		this.#offsets.set(name, built);
		built.catch(() => this.#offsets.delete(name));
		return built;
	}

	async #build(source: SourceEntry, type: string): Promise<Offsets> {
		const file = await openFile(this.dir, source.folder, `${type}.ndjson`);
		try {
			const offsets = await Offsets.of(file);
			if (offsets.lines !== source.types[type]) throw new AgentError('records_damaged');
			return offsets;
		} finally {
			await file.close();
		}
	}

	async document({ folder }: SourceEntry, file: string): Promise<Uint8Array> {
		const source = this.index.sources.find((one) => one.folder === folder);
		const entry = source?.documents.find((document) => document.file === file);
		if (!entry) throw new AgentError('ref_unknown');
		const octets = await readWhole(await openFile(this.dir, folder, ...file.split('/')), CAPS.partBytes);
		if (octets.length !== entry.bytes) throw new AgentError('records_damaged');
		return octets;
	}
}

/** @throws {AgentError} `no_records`, `records_damaged` */
export async function readIndex(dir: string): Promise<Index> {
	try {
		await lstat(join(dir, INDEX));
	} catch (cause) {
		const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
		throw code === 'ENOENT' || code === 'ENOTDIR' ? new AgentError('no_records', { cause }) : damaged(cause);
	}
	const octets = await readWhole(await openFile(dir, INDEX), INDEX_BYTES);
	const index = v.safeParse(Index, parseLine(textOfLine(octets)));
	// No cause: an issue quotes the value.
	if (!index.success) throw new AgentError('records_damaged');
	return index.output;
}
