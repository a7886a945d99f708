import { describe, expect, test } from 'vitest';
import { marked } from '../../../relay/agent/answers/marked.js';
import { first, harmless, harmlessJson, shortened } from '../../../relay/agent/characters.js';
import { clean } from '../../../relay/agent/json.js';
import { tidy } from '../../../relay/agent/text/tidy.js';

/** By Unicode's own ranges, and not by the properties that the code names. */
const CLASSES: Record<string, [number, number][]> = {
	controls: [
		[0x00, 0x08],
		[0x0e, 0x1f],
		[0x7f, 0x84],
		[0x86, 0x9f],
	],
	'line and paragraph separators': [
		[0x0b, 0x0d],
		[0x85, 0x85],
		[0x2028, 0x2029],
	],
	'marks, embeddings, overrides and isolates of direction': [
		[0x061c, 0x061c],
		[0x200e, 0x200f],
		[0x202a, 0x202e],
		[0x2066, 0x2069],
	],
	'invisible characters and fillers': [
		[0x00ad, 0x00ad],
		[0x034f, 0x034f],
		[0x115f, 0x1160],
		[0x17b4, 0x17b5],
		[0x180e, 0x180e],
		[0x200b, 0x200b],
		[0x2060, 0x2065],
		[0x206a, 0x206f],
		[0x3164, 0x3164],
		[0xfeff, 0xfeff],
		[0xffa0, 0xffa0],
		[0xfff9, 0xfffb],
		[0x1bca0, 0x1bca3],
		[0x1d173, 0x1d17a],
	],
	'tags and supplementary variation selectors': [[0xe0000, 0xe0fff]],
};

const all = Object.values(CLASSES)
	.flat()
	.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)));
const bad = new Set(all);
const found = (text: string) => [...text].filter((one) => bad.has(one));

describe.each(Object.entries(CLASSES))('%s', (_, ranges) => {
	const characters = ranges.flatMap(([from, to]) =>
		Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)),
	);

	test.each<[string, (text: string) => string]>([
		['a line', (text) => clean(text, 100) ?? ''],
		['text of several lines', harmless],
		['what stands between marks', marked],
		['JSON', harmlessJson],
		['the text of a document', (text) => tidy(text).text],
	])('are not in %s', (name, shown) => {
		for (const one of characters) {
			const text = shown(`a${one}b`);
			// JSON has its own line ends, as escapes.
			if (name !== 'JSON' || !/[\r\n]/.test(one))
				expect([one.codePointAt(0), found(text)]).toEqual([one.codePointAt(0), []]);
		}
	});
});

test('what scripts and emoji are written with stays', () => {
	for (const text of ['می\u200cخواهم', 'क्\u200dष', '❤\ufe0f\u200d🔥', '\u1820\u180b', 'José', '中文', 'שלום', '٣'])
		expect([clean(text), harmless(text), harmlessJson(text), tidy(text).text]).toEqual(
			Array(4).fill(text.normalize('NFC')),
		);
	expect(harmless('a\tb\nc')).toBe('a\tb\nc');
});

test('every way of ending a line is one line end, and half a character none', () => {
	expect(harmless('a\r\nb\rc\u2028d\u0085e')).toBe('a\nb\nc\nd\ne');
	expect(harmless('a\ud800b')).toBe('a\ufffdb');
});

test('within JSON what is taken out elsewhere stays what it was', () => {
	const json = JSON.stringify({ a: 'x\u202ey\u{e0041}\u200bz' });
	const written = harmlessJson(json);
	expect(found(written)).toEqual([]);
	expect(JSON.parse(written)).toEqual(JSON.parse(json));
});

test('a text is cut between two characters, and in one line says that it was', () => {
	expect([first('ab🙂c', 3), first('ab🙂c', 4), first('ab', 5)]).toEqual(['ab', 'ab🙂', 'ab']);
	expect([shortened(' a \n b ', 5), shortened('abcdef', 5), shortened('abc🙂🙂', 5)]).toEqual(['a b', 'abcd…', 'abc…']);
	expect(shortened(`${' '.repeat(500)}hidden`, 5)).toBe('…');
});
