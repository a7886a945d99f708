/** Text as the readers leave it → text that can be shown and searched anywhere. */
import { MAX_TEXT } from './limits.js';

const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** Spaces of other widths. A tab becomes two, so that columns stay apart. */
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

/**
 * Control characters, bidirectional marks and overrides, and what is invisible: zero-width spaces and the tag characters and
 * variation selectors in which text can be hidden. Joiners (ZWJ, ZWNJ) stay: scripts and emoji need them.
 */
const UNSEEN =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
	/[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

/** Bullets of symbol fonts, which have no meaning outside them. */
const BULLETS = /[\uf0a7\uf0b7]/g;

/**
 * NFC, since a search for "José" must find it however it was typed. Lines by splitting: a pattern for spaces at the end of a
 * line takes quadratic time on a hostile one.
 */
export function tidy(text: string): { text: string; cut: boolean } {
	const clean = first(text, 2 * MAX_TEXT)
		.replace(LINE_ENDS, '\n')
		.replace(/\t/g, '  ')
		.replace(SPACES, ' ')
		.replace(UNSEEN, '')
		.replace(BULLETS, '•')
		.replace(/\p{Cs}/gu, '\ufffd')
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

/** No more than `units` of `text`, and no half of a surrogate pair. */
export function first(text: string, units: number): string {
	if (text.length <= units) return text;
	const last = text.charCodeAt(units - 1);
	return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}
