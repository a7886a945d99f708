/**
 * Characters of others' text that are not to reach a reader. Whatever takes such text in cleans it by these sets and has none of its
 * own: by `clean` (json.ts) what becomes one line, by `harmless` what has several, by `harmlessJson` what has to stay what it was.
 */

/** C0, DEL and C1: what a terminal obeys. */
const CONTROLS = String.raw`\p{Cc}`;

/** Marks, embeddings, overrides and isolates: text in another order than it has. */
const BIDI = String.raw`\p{Bidi_Control}`;

/**
 * What nobody sees, so that text can hide in it: zero-width spaces, fillers, tags, supplementary variation selectors, annotations.
 * Joiners and the plain variation selectors stay: Persian, Hindi, Mongolian and emoji are written with them.
 */
const UNSEEN = String.raw`(?![\u200c\u200d\ufe00-\ufe0f\u180b-\u180d\u180f])\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]`;

/** Line ends that are not \n: some end a line for one reader and not for the next. */
const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** In text of one line: goes without a trace. */
export const HIDDEN = new RegExp(`${BIDI}|${UNSEEN}`, 'gu');

/** In text of several lines whose line ends are \n: all of it, and the controls but tab and line feed. */
const HARMFUL = new RegExp(String.raw`(?![\t\n])${CONTROLS}|[\u2028\u2029]|${BIDI}|${UNSEEN}`, 'gu');

/** Half of a pair: no text, and no two programs write it alike. */
const LONE = /\p{Cs}/gu;

/** Text of several lines, with \n between them, as it may be shown. */
export function harmless(text: string): string {
	return text.replace(LINE_ENDS, '\n').replace(HARMFUL, '').replace(LONE, '\ufffd');
}

/** No more than `units` of `text`, and no half of a surrogate pair. */
export function first(text: string, units: number): string {
	if (text.length <= units) return text;
	const last = text.charCodeAt(units - 1);
	return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}

/** In one line, of at most `most` UTF-16 units, the last of them `…` where it was longer. */
export function shortened(text: string, most: number): string {
	// White space may be all of the beginning; what is far beyond is not looked at.
	const line = first(text, most * 8)
		.replace(/\s+/g, ' ')
		.trim();
	return line.length <= most && text.length <= most * 8 ? line : `${first(line, most - 1)}…`;
}

/** Within JSON what is harmful is written as escapes, and stays what it was. */
export function harmlessJson(json: string): string {
	return json.replace(HARMFUL, (character) =>
		[...Array(character.length).keys()]
			.map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
			.join(''),
	);
}
