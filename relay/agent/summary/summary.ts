/** `summary.md`: who the patient is and what matters, each line with the source it comes from; no model, no guessing. */
import type { Library } from '../library/library.js';

export const SUMMARY = 'summary.md';

/** The same records give the same text, whenever and wherever it is made. Markdown; nothing of a record becomes markup. */
export async function summarize(_library: Library): Promise<string> {
	throw new Error('not yet');
}
