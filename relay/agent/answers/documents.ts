/** Documents as text, each read once as long as memory allows. Nothing of it is written to disk. */

import type { DocumentEntry, SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';
import type { DocumentText } from '../text/reading.js';
import { textOf } from '../text/text.js';

/** Characters kept, of all documents together: more than one search reads. */
const KEPT = 40_000_000;

export interface Texts {
	/** @throws {AgentError} `records_damaged`, `interrupted` */
	text(source: SourceEntry, entry: DocumentEntry): Promise<DocumentText>;
}

export class Documents implements Texts {
	readonly #library: Library;
	/** The one used last stands last. */
	readonly #texts = new Map<string, DocumentText>();
	#characters = 0;

	constructor(library: Library) {
		this.#library = library;
	}

	async text(source: SourceEntry, { file = '', contentType }: DocumentEntry): Promise<DocumentText> {
		const name = `${source.folder}/${file}`;
		const known = this.#texts.get(name);
		this.#texts.delete(name);
		const read = known ?? (await textOf(await this.#library.document(source, file), contentType));
		this.#texts.set(name, read);
		if (!known) this.#characters += read.text.length;
		for (const [oldest, { text }] of this.#texts) {
			if (this.#characters <= KEPT) break;
			this.#texts.delete(oldest);
			this.#characters -= text.length;
		}
		return read;
	}
}
