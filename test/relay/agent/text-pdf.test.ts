import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { textOf } from '../../../relay/agent/text/text.js';
import { type Placed, pdf } from './pdf-writer.js';

const read = (octets: Uint8Array) => textOf(octets, 'application/pdf');
const prose = (x: number, from: string): Placed[] =>
	Array.from({ length: 5 }, (_, i) => [x, 700 - 14 * i, `${from} line ${i} of a column of prose`]);

afterEach(() => vi.restoreAllMocks());

describe('PDF', () => {
	test('is read page by page, and the pages are told apart', async () => {
		const found = await read(pdf([[[72, 700, 'First page']], [[72, 700, 'Second page']]], { compress: true }));
		expect(found).toEqual({ kind: 'pdf', pages: 2, text: 'First page\n\n— page 2 —\n\nSecond page' });
	});

	test('the rows of a table stay rows, whether it was drawn by rows or by columns', async () => {
		const cells: Placed[] = [
			[72, 700, 'Glucose'],
			[200, 700, '182'],
			[300, 700, 'mg/dL'],
			[72, 680, 'Sodium'],
			[200, 680, '139'],
			[300, 680, 'mmol/L'],
		];
		const byColumns = [...cells].sort((a, b) => a[0] - b[0] || b[1] - a[1]);
		const rows = 'Glucose   182   mg/dL\nSodium   139   mmol/L';
		expect((await read(pdf([cells]))).text).toBe(rows);
		expect((await read(pdf([byColumns]))).text).toBe(rows);
	});

	test('two columns of prose are read one after the other', async () => {
		const { text } = await read(pdf([[...prose(50, 'left'), ...prose(320, 'right')]]));
		expect(text.split('\n').filter(Boolean)).toEqual(
			['left', 'right'].flatMap((side) =>
				Array.from({ length: 5 }, (_, i) => `${side} line ${i} of a column of prose`),
			),
		);
	});

	test('a heading that is drawn last stands first; paragraphs are parted; bold drawn twice is said once', async () => {
		const { text } = await read(
			pdf([
				[
					[72, 600, 'Body'],
					[72, 500, 'Later'],
					[72, 700, 'Heading'],
					[72.3, 700, 'Heading'],
				],
			]),
		);
		expect(text).toBe('Heading\n\nBody\n\nLater');
	});

	test('what was filled into a form is part of its text', async () => {
		const { text } = await read(
			pdf([[[72, 700, 'Allergies:']]], {
				extra: (n) => ({
					annots: `${n} 0 R`,
					objects: [
						'<< /Type /Annot /Subtype /Widget /FT /Tx /T (allergies) /V (Penicillin: hives) /Rect [72 690 300 710] >>',
					],
				}),
			}),
		);
		expect(text).toBe('Allergies:\n\n[filled in] allergies: Penicillin: hives');
	});

	test('one that needs a password says so; one that needs none is read', async () => {
		const page: Placed[][] = [[[72, 700, 'Secret note']]];
		expect(await read(pdf(page, { password: 'hunter2' }))).toEqual({ kind: 'pdf', text: '', problem: 'encrypted' });
		expect(await read(pdf(page, { password: '' }))).toEqual({ kind: 'pdf', text: 'Secret note', pages: 1 });
	});

	test('pages of pictures are pictures; one among pages of text is named', async () => {
		expect(await read(pdf([[], []]))).toEqual({ kind: 'pdf', text: '', pages: 2, problem: 'image' });
		const mixed = await read(pdf([[[72, 700, 'Words']], []]));
		expect(mixed.text).toBe('Words\n\n— page 2 —\n\n[No text on this page: a picture, or blank.]');
		expect(mixed.problem).toBeUndefined();
	});

	test('a damaged one is unreadable, and nothing is written to the console about it', async () => {
		const spies = (['log', 'warn', 'error', 'info'] as const).map((name) => vi.spyOn(console, name));
		expect(await read(new TextEncoder().encode('%PDF-1.4\nnothing of one'))).toEqual({
			kind: 'pdf',
			text: '',
			problem: 'unreadable',
		});
		const whole = Buffer.from(pdf([[[72, 700, 'Found without the table']]])).toString('latin1');
		// Where its table of objects is not where it should be, pdf.js finds them by searching.
		const lost = Buffer.from(whole.replace(/startxref\n\d+/, 'startxref\n9'), 'latin1');
		expect((await read(lost)).text).toBe('Found without the table');
		expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
	});

	test('one that unpacks to far more than it is stays packed', async () => {
		const bomb = deflateSync(Buffer.alloc(257 * 1024 * 1024, ' '), { level: 1 });
		const octets = Buffer.concat([Buffer.from('%PDF-1.4\n1 0 obj\n<< >>\nstream\n'), bomb, Buffer.from('\nendstream')]);
		expect(await read(octets)).toEqual({ kind: 'pdf', text: '', problem: 'too_large' });
	});

	test('the octets stay as they were', async () => {
		const octets = Buffer.from(pdf([[[72, 700, 'Once']]]));
		const before = Buffer.from(octets);
		expect((await read(octets)).text).toBe('Once');
		expect(octets).toEqual(before);
	});

	test('200 pages are read', async () => {
		const pages = Array.from({ length: 200 }, (_, n): Placed[] =>
			Array.from({ length: 40 }, (_, i) => [
				72,
				740 - 16 * i,
				`Page ${n + 1}, line ${i}: the patient was seen and felt well.`,
			]),
		);
		const found = await read(pdf(pages, { compress: true }));
		expect(found.pages).toBe(200);
		expect(found.text).toContain('Page 200, line 39');
	});
});
