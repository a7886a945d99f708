/** What references of a source mean, for the words of a line. */
import type { Resolve } from '../clinical/fact.js';
import { readNames } from '../clinical/names.js';
import type { SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';

export interface Resolving {
	/** @throws {AgentError} `records_damaged`, `interrupted` */
	resolver(): Promise<(source: SourceEntry) => Resolve>;
}

/** Read once for all answers, when the first one needs them. */
export class Names implements Resolving {
	readonly #library: Library;
	#read: Promise<(source: SourceEntry) => Resolve> | undefined;

	constructor(library: Library) {
		this.#library = library;
	}

	resolver(): Promise<(source: SourceEntry) => Resolve> {
		if (!this.#read) {
			this.#read = readNames(this.#library);
			this.#read.catch(() => {
				this.#read = undefined;
			});
		}
		return this.#read;
	}
}
