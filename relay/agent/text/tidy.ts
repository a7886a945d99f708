/** Text as the readers leave it → text that can be shown and searched anywhere. */
import { first, harmless } from '../characters.js';
import { MAX_TEXT } from './limits.js';

/** Spaces of other widths. A tab becomes two, so that columns stay apart. */
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

/** Bullets of symbol fonts, which have no meaning outside them. */
const BULLETS = /[\uf0a7\uf0b7]/g;

/**
 * NFC, since a search for "José" must find it however it was typed. Lines by splitting: a pattern for spaces at the end of a
 * line takes quadratic time on a hostile one.
 */
export function tidy(text: string): { text: string; cut: boolean } {
	const clean = harmless(first(text, 2 * MAX_TEXT))
		.replace(/\t/g, '  ')
		.replace(SPACES, ' ')
		.replace(BULLETS, '•')
		.normalize('NFC');
	const lines: string[] = [];
	let blank = 0;
	for (const raw of clean.split('\n')) {
		const line = raw.trimEnd();
		blank = line === '' ? blank + 1 : 0;
		if (blank <= 2 && (line !== '' || lines.length > 0)) lines.push(line);
	}
	const whole = lines.join('\n').trimEnd();
	const kept = first(whole, MAX_TEXT);
	return { text: kept.trimEnd(), cut: kept.length < whole.length || text.length > 2 * MAX_TEXT };
}
