import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textOf } from '../../../relay/agent/text/text.js';
import { pdf } from './pdf-writer.js';

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const utf8 = (text: string) => new TextEncoder().encode(text);
const rtf = async (text: string) => (await textOf(latin1(`{\\rtf1\\ansi\\ansicpg1252\\deff0 ${text}}`), null)).text;
const html = async (text: string) => (await textOf(utf8(`<html><body>${text}</body></html>`), 'text/html')).text;

describe('which kind a document is', () => {
	test.each([
		['pdf', '%PDF-1.4 damaged', 'text/plain'],
		['rtf', '{\\rtf1 x}', 'application/msword'],
		['html', '<!-- c --><!DOCTYPE html><p>x', 'text/plain'],
		['html', '<div xmlns="http://www.w3.org/1999/xhtml">x</div>', null],
		['html', 'x <b>y</b>', 'text/html; charset=utf-8'],
		['ccda', '\ufeff<?xml version="1.0"?>\n<?x y?><!-- z --><n1:ClinicalDocument xmlns:n1="u"/>', 'text/plain'],
		['xml', '<?xml version="1.0"?><a>x</a>', null],
		['text', '<5 mg daily', 'text/plain'],
		['text', 'plain', 'application/pdf'],
	])('%s: %s', async (kind, text, type) => {
		expect((await textOf(utf8(text), type)).kind).toBe(kind);
	});

	test('pictures and what nobody knows are a problem, not an empty text', async () => {
		for (const magic of ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff\xe0', 'GIF89a', 'II*\0', 'RIFF\0\0\0\0WEBP'])
			expect(await textOf(latin1(magic), 'application/pdf')).toEqual({ kind: 'image', text: '', problem: 'image' });
		expect(await textOf(latin1('\0\0\x01\xb3'), 'image/x-new')).toEqual({ kind: 'image', text: '', problem: 'image' });
		expect(await textOf(latin1('PK\x03\x04\0\0'), 'text/plain')).toMatchObject({ problem: 'unknown_type' });
		expect(await textOf(new Uint8Array(), 'text/plain')).toMatchObject({ text: '', problem: 'unreadable' });
		expect(await textOf(utf8(' \n '), 'text/plain')).toMatchObject({ text: '', problem: 'unreadable' });
	});
});

describe('charsets', () => {
	const text = async (octets: Uint8Array, type: string | null = null) => (await textOf(octets, type)).text;

	test('a byte-order mark, valid UTF-8, what is declared, Windows-1252: in that order', async () => {
		expect(await text(new Uint8Array(Buffer.from('\ufeffpeña €', 'utf16le')))).toBe('peña €');
		expect(await text(new Uint8Array(Buffer.from('\ufeffpeña', 'utf16le').swap16()))).toBe('peña');
		expect(await text(utf8('\ufeffpeña'))).toBe('peña');
		expect(await text(utf8('peña'), 'text/plain; charset=iso-8859-1')).toBe('peña');
		expect(await text(latin1('\x93quoted\x94 \x80'), 'text/plain; charset=iso-8859-1')).toBe('“quoted” €');
		expect(await text(latin1('<?xml version="1.0" encoding="windows-1251"?><a>\xcf</a>'))).toBe('a: П');
		expect(await text(latin1('<meta charset="windows-1250"><p>\xb9'))).toBe('ą');
		expect(await text(new Uint8Array(Buffer.from('<?xml version="1.0"?><a>ü</a>', 'utf16le')))).toBe('a: ü');
	});

	test('a character that the end cuts through does not change the others', async () => {
		expect(await text(utf8('peña ñ').subarray(0, -1))).toBe('peña');
	});
});

describe('every text', () => {
	const text = async (raw: string) => (await textOf(utf8(raw), 'text/plain')).text;

	test('has one kind of line end, no spaces at its lines’ ends and two blank lines at most', async () => {
		expect(await text('\r\n\r\na \r\nb\rc\u2028d\n\n\n\n\n\ne\n\n')).toBe('a\nb\nc\nd\n\n\ne');
	});

	test('has no control, bidirectional or invisible characters, and is composed', async () => {
		expect(await text('a\u0007b\u202ec\u2066d\u200be\u{e0041}f\u00adg\u0085h\ufeffi')).toBe('abcdefg\nhi');
		expect(await text('Jose\u0301\u00a0x\ty')).toBe('José x  y');
		expect(await text('👩‍⚕️')).toBe('👩‍⚕️');
	});

	test('is cut at its cap between characters, and says so', async () => {
		const found = await textOf(utf8(`x${'😀'.repeat(1_000_001)}`), null);
		expect(found.problem).toBe('too_large');
		const [kept, note] = found.text.split('\n\n');
		expect(kept).toBe(`x${'😀'.repeat(999_999)}`);
		expect(note).toMatch(/^\[Cut here/);
	});
});

describe('HTML', () => {
	test('what a browser does not show is left out', async () => {
		expect(
			await html(`a<script>x</script><style>x</style><!-- x --><p hidden>x</p><p style="color:red; display : none">x</p>
				<template>x</template><b>b</b> &eacute;&#8217;&nbsp;c`),
		).toBe('a b é’ c');
	});

	test('headings, paragraphs, lists, tables and preformatted text keep their shape', async () => {
		expect(
			await html(`<h2>Plan</h2><p>One<br>two</p><ul><li>a<ol start="3"><li>b</li></ol><li>c</ul>
				<table><tr><th>Drug</th><th>Dose</th></tr><tr><td>Aspirin</td><td><s>100</s> 81 mg</td></tr></table><pre>x
  y</pre>`),
		).toBe('Plan\n\nOne\ntwo\n\n- a\n  3. b\n- c\nDrug | Dose\n--- | ---\nAspirin | ~~100~~ 81 mg\n\nx\n  y');
	});

	test('tables for layout are no rows', async () => {
		expect(
			await html('<table><tr><td>Head</td><td><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>'),
		).toBe('Head\na | b');
	});

	test('addresses are told where they are of the web and not the words themselves', async () => {
		expect(
			await html(
				'<a href="https://a.example/">portal</a> <a href="https://b.example/">b.example</a> <a href="javascript:x()">c</a>',
			),
		).toBe('portal [https://a.example/] b.example c');
	});
});

describe('RTF', () => {
	test('paragraphs, characters by name, number and code page', async () => {
		expect(
			await rtf(
				'{\\fonttbl{\\f0\\fswiss Arial;}{\\f1\\fcharset204 Arial Cyr;}{\\f2\\fcharset128 MS Mincho;}}{\\colortbl;\\red0;}' +
					"{\\*\\generator x;}{\\info{\\title no}}\\f0 \\ldblquote na\\'efve\\rdblquote\\par \\u8364?\\uc2\\u-10179ab\\u-8704ab {\\f1\\'cf}{\\f2\\'93\\'fa}\\line\\{x\\}\\~y\\tab z\\par",
			),
		).toBe('“naïve”\n€😀 П日\n{x} y  z');
	});

	test('rows of tables stay rows, with several lines in a cell and tables in cells', async () => {
		expect(
			await rtf(
				'Before\\par\\trowd\\cellx1\\cellx2\\pard\\intbl Drug\\cell Dose\\par daily\\cell\\row' +
					'\\trowd\\pard\\intbl\\itap2 in\\nestcell side\\nestcell{\\*\\nesttableprops\\trowd\\nestrow}{\\nonesttables\\par}' +
					'\\pard\\intbl\\itap1\\cell\\cell 3\\cell\\row\\pard After\\par',
			),
		).toBe('Before\nDrug | Dose; daily\nin, side |  | 3\nAfter');
	});

	test('boxes and letters of symbol fonts are said as what they are', async () => {
		expect(
			await rtf(
				"{\\fonttbl{\\f0 Arial;}{\\f3\\fcharset2 Symbol;}{\\f4\\fcharset2 Wingdings;}}{\\f4\\'fe} yes {\\f4\\u-3928?} no {\\f3 \\'b3} 5 {\\f3 m}g",
			),
		).toBe('☑ yes ☐ no ≥ 5 μg');
	});

	test('hidden text is left out, struck text marked, exponents kept apart', async () => {
		expect(
			await rtf('a{\\v secret}b {\\strike old} new 10{\\super 3}/uL\\par{\\footnote\\pard told} \\v x\\v0 y'),
		).toBe('ab ~~old~~ new 10^3/uL\n [note: told] y');
	});

	test('pictures are named; one that has nothing else is a picture', async () => {
		expect(await rtf('x {\\*\\shppict{\\pict\\pngblip 89504e}}{\\nonshppict{\\pict 00}} y{\\pict\\bin3 }}}}')).toBe(
			'x [picture] y[picture]',
		);
		expect(await textOf(latin1('{\\rtf1{\\pict ffd8}\\par}'), null)).toEqual({
			kind: 'rtf',
			text: '',
			problem: 'image',
		});
	});

	test('what a stranger claims costs nothing', async () => {
		expect(await rtf('a\\bin2000000000 b')).toBe('a');
		expect((await textOf(latin1(`{\\rtf1 a${'{'.repeat(1_000_000)}`), null)).problem).toBe('too_large');
		const lines = await textOf(latin1(`{\\rtf1 ${'word\n'.repeat(300_000)}}`), null);
		expect(lines).toMatchObject({ kind: 'rtf' });
		expect(lines.text).toHaveLength(1_200_000);
	});
});

describe('whatever comes, an answer comes', () => {
	const kinds = ['pdf', 'ccda', 'html', 'rtf', 'text', 'xml', 'image', 'unknown'];
	const samples = {
		pdf: pdf([[[72, 700, 'One']], [[72, 700, 'Two']]], { compress: true }),
		'encrypted pdf': pdf([[[72, 700, 'One']]], { password: '' }),
		ccda: utf8(
			'<ClinicalDocument><title>T</title><component><structuredBody><component><section><text><table><tr><td colspan="2" rowspan="3">a</td></tr></table><list><item>b</item></list></text></section></component></structuredBody></component></ClinicalDocument>',
		),
		html: utf8(
			'<!doctype html><table><tr><td rowspan=9>a<table><td>b</table></table><ul><li>c<pre>d</pre><a href=x>e</a>',
		),
		rtf: latin1(
			"{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset2 Symbol;}}\\f0 a\\'b7\\u945 ?\\trowd\\intbl b\\cell\\row{\\pict\\bin4 xxxx}\\strike c\\par}",
		),
	};

	test.each(Object.entries(samples))('for an altered or cut %s', async (_, sample) => {
		const altered = fc.record({
			length: fc.nat(sample.length),
			changes: fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 8 }),
		});
		await fc.assert(
			fc.asyncProperty(altered, async ({ length, changes }) => {
				const octets = sample.slice();
				for (const [at, value] of changes) octets[at] = value;
				const found = await textOf(octets.subarray(0, Math.max(length, sample.length >> 1)), null);
				expect(kinds).toContain(found.kind);
				expect(found.text !== '' || found.problem !== undefined).toBe(true);
				// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
				expect(found.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|[ ]$/m);
			}),
			{ numRuns: 150 },
		);
	});

	test('for any octets after any beginning', async () => {
		const beginning = fc.constantFrom(
			'',
			'%PDF-1.7\n',
			'{\\rtf1 ',
			'<html>',
			'<ClinicalDocument>',
			'<?xml version="1.0"?>',
		);
		await fc.assert(
			fc.asyncProperty(beginning, fc.uint8Array({ maxLength: 300 }), async (start, rest) => {
				const found = await textOf(new Uint8Array(Buffer.concat([latin1(start), rest])), null);
				expect(found.text !== '' || found.problem !== undefined).toBe(true);
			}),
			{ numRuns: 300 },
		);
	});

	test('for markup made to take long', async () => {
		const deep = (open: string) => textOf(utf8(`<html>${open.repeat(300)}${'x '.repeat(500_000)}`), 'text/html');
		for (const open of ['<s>', '<a href="https://a.example/">', '<sup>']) {
			const { kind, text, problem } = await deep(open);
			expect([open, kind, problem, text.match(/\bx\b/g)?.length]).toEqual([open, 'html', undefined, 500_000]);
		}
		expect(await deep('<ul><li>')).toMatchObject({ kind: 'html', problem: 'too_large' });
		const spaces = await textOf(utf8(`${' '.repeat(1_500_000)}x`), 'text/plain');
		expect(spaces.text.trim()).toBe('x');
		const closes = await textOf(utf8(`<html>${'<i>'.repeat(500)}${'</b>'.repeat(300_000)}x`), 'text/html');
		expect(closes.text).toBe('x');
	});
});
