/** Where each line of a file is, and which resource: a few octets a line, so that a reading by name needs no search. */
import type { FileHandle } from 'node:fs/promises';
import { hashOf } from './hashes.js';
import { linesOf, parseLine, textOfLine } from './lines.js';
import { ownId } from './ref.js';

/** Lines that room is made for at first. */
const START = 1024;

export class Offsets {
	/** Where line `n` begins (from 0); with one more at the end, where the next would. */
	#starts = new Float64Array(START);
	/** A hash of the id of each; two of one hash are told apart by reading them. */
	#hashes = new Uint32Array(START);
	#lines = 0;

	/** Reads the whole file once. @throws {AgentError} `records_damaged` */
	static async of(file: FileHandle): Promise<Offsets> {
		const offsets = new Offsets();
		for await (const { offset, octets } of linesOf(file))
			offsets.#add(offset, octets.length, ownId(parseLine(textOfLine(octets))));
		return offsets;
	}

	get lines(): number {
		return this.#lines;
	}

	/** Of line `n`, from 0; null beyond the last. */
	line(n: number): { offset: number; bytes: number } | null {
		if (n < 0 || n >= this.#lines) return null;
		const offset = this.#starts[n] ?? 0;
		return { offset, bytes: (this.#starts[n + 1] ?? 0) - offset - 1 };
	}

	/** Lines that may have this id, in order. */
	*candidates(id: string): Generator<number, void, void> {
		const hash = hashOf(id);
		for (let n = this.#hashes.indexOf(hash); n >= 0 && n < this.#lines; n = this.#hashes.indexOf(hash, n + 1)) yield n;
	}

	#add(offset: number, bytes: number, id: string | null): void {
		if (this.#lines + 1 >= this.#starts.length) {
			const [starts, hashes] = [this.#starts, this.#hashes];
			this.#starts = new Float64Array(starts.length * 2);
			this.#starts.set(starts);
			this.#hashes = new Uint32Array(hashes.length * 2);
			this.#hashes.set(hashes);
		}
		this.#starts[this.#lines] = offset;
		this.#hashes[this.#lines] = id === null ? 0 : hashOf(id);
		this.#lines++;
		this.#starts[this.#lines] = offset + bytes + 1;
	}
}
