/** The charsets of RTF: code pages by number, the charsets of fonts, and the fonts whose letters are pictures. */
import iconv from 'iconv-lite';
import { decode } from '../charset.js';

export interface Font {
	name: string;
	codePage: string | undefined;
}

const SYMBOL = 'symbol';

/** Windows' charset numbers, as \fcharset has them. 0 and 1 (ANSI, default) follow the document. */
const CHARSETS: Record<number, string> = {
	2: SYMBOL,
	77: 'macintosh',
	128: 'cp932',
	129: 'cp949',
	134: 'cp936',
	136: 'cp950',
	161: 'windows-1253',
	162: 'windows-1254',
	163: 'windows-1258',
	177: 'windows-1255',
	178: 'windows-1256',
	186: 'windows-1257',
	204: 'windows-1251',
	222: 'windows-874',
	238: 'windows-1250',
	254: 'cp437',
	255: 'cp850',
};

export function charsetCodePage(charset: number): string | undefined {
	return Object.hasOwn(CHARSETS, charset) ? CHARSETS[charset] : undefined;
}

/** @returns undefined for a code page that nobody here knows */
export function codePageOf(number: number): string | undefined {
	if (number === 65001) return 'utf-8';
	if (number === 42) return SYMBOL;
	if (number === 10000) return 'macintosh';
	return iconv.encodingExists(`cp${number}`) ? `cp${number}` : undefined;
}

export function bytesToText(octets: Uint8Array, font: Font | undefined, codePage: string): string {
	if (font && isSymbolic(font)) return symbolic(decode(octets, 'latin1'), font);
	return decode(octets, font?.codePage ?? codePage);
}

/** \u in a symbol font has the font's own numbers, from U+F000. */
export function symbolic(text: string, font: Font): string {
	if (!isSymbolic(font)) return text;
	const table = /^wingdings/i.test(font.name) ? WINGDINGS : /^symbol/i.test(font.name) ? GREEK : undefined;
	return Array.from(text, (character) => {
		const code = character.charCodeAt(0);
		const own = code >= 0xf000 && code <= 0xf0ff ? code - 0xf000 : code;
		if (own > 0xff) return character;
		if (own <= 0x20) return ' ';
		return table?.[own] ?? (table === GREEK ? String.fromCharCode(own) : '•');
	}).join('');
}

function isSymbolic(font: Font): boolean {
	return font.codePage === SYMBOL || /^(symbol|wingdings|webdings)/i.test(font.name);
}

const row = (from: number, characters: string) => Object.fromEntries([...characters].map((c, i) => [from + i, c]));

/** Adobe's Symbol encoding where it differs from ASCII. */
const GREEK: Record<number, string> = {
	...row(0x22, '∀'),
	...row(0x24, '∃'),
	...row(0x27, '∋'),
	...row(0x2a, '∗'),
	...row(0x2d, '−'),
	...row(0x40, '≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ'),
	...row(0x5c, '∴'),
	...row(0x5e, '⊥'),
	...row(0x61, 'αβχδεφγηιϕκλμνοπθρστυϖωξψζ'),
	...row(0x7e, '∼'),
	...row(0xa0, '€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…'),
	...row(0xc5, '⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓'),
	229: '∑',
	242: '∫',
};

/** Boxes, ticks and arrows: in forms they are the answer. Other pictures become bullets. */
const WINGDINGS: Record<number, string> = {
	108: '●',
	109: '❍',
	110: '■',
	111: '☐',
	112: '☐',
	113: '☐',
	114: '☐',
	120: '☒',
	161: '○',
	167: '▪',
	168: '☐',
	223: '←',
	224: '→',
	225: '↑',
	226: '↓',
	251: '✗',
	252: '✓',
	253: '☒',
	254: '☑',
};
