/** The sentences for errors, which load when the first error is shown: most visits see none. */
import { signal } from '@preact/signals';
import type { ErrorCode } from '../../sw/contract.js';
import type { ErrorWords } from '../words/errors.js';
import { words } from '../words.js';

const sentences = signal<Record<ErrorCode, ErrorWords> | 'failed' | null>(null);
let asked = false;

/** Null until they are here; whatever shows them is drawn again then. */
export function errorWords(code: ErrorCode): ErrorWords | null {
	if (!asked) {
		asked = true;
		import('../words/errors.js').then(
			(module) => {
				sentences.value = module.errorWords;
			},
			() => {
				sentences.value = 'failed';
			},
		);
	}
	return sentences.value === 'failed' ? words.common.failed : (sentences.value?.[code] ?? null);
}
