/** What references of a source mean: for the words of a line, and as names to read by. */
import type { Resolve } from '../clinical/fact.js';
import { readNames } from '../clinical/names.js';
import type { SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';

/** Read once for all answers, when the first one needs them. */
export class Names {
	readonly #library: Library;
	#read: Promise<(source: SourceEntry) => Resolve> | undefined;

	constructor(library: Library) {
		this.#library = library;
	}

	/** @throws {AgentError} `records_damaged` */
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

/** `Medication/1` of a reference within the source; null of one that leads out of it. */
export function pathOf(reference: string, { fhirBaseUrl }: SourceEntry): string | null {
	const base = `${fhirBaseUrl.replace(/\/+$/, '')}/`;
	const path = reference.startsWith(base) ? reference.slice(base.length) : reference;
	return /^([A-Za-z]{1,64}\/[A-Za-z0-9._-]{1,128})(?:\/_history\/[^/]*)?$/.exec(path)?.[1] ?? null;
}
