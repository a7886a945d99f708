/** PDFs made to take long or much, within limits that are smaller than the real ones; no thread outlives what it was for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_MEMORY, MAX_TIME } from '../../../relay/agent/text/limits.js';
import { readPdf } from '../../../relay/agent/text/pdf/pdf.js';
import { bundled } from '../../../relay/build/bundled.js';
// @ts-expect-error a script without types
import { runtime } from '../../tools/runtimes.mjs';
import { pdf } from './pdf-writer.js';

const short = { time: 600, memory: MAX_MEMORY };
const tooLarge = { text: '', problem: 'too_large' };
/** One step of pdf.js, of minutes. */
const nested = pdf(['q '.repeat(100_000)], { compress: true });
const letter = (text: string) => pdf([[[72, 700, text]]]);

describe('a PDF that takes too long', () => {
	test('is given up while everything else goes on, and the next one is read', async () => {
		let turns = 0;
		const turning = setInterval(() => turns++, 10);
		const found = await readPdf(nested, short);
		clearInterval(turning);
		expect(found).toEqual(tooLarge);
		expect(turns).toBeGreaterThan(3);
		expect(await readPdf(letter('The next'))).toMatchObject({ text: 'The next' });
	});

	test('in many steps is cut or given up', async () => {
		const slow = pdf([`BT /F1 12 Tf ${'1 0 0 1 72 700 Tm (a) Tj\n'.repeat(300_000)} ET`], { compress: true });
		const { cut, problem } = await readPdf(slow, short);
		expect(cut || problem === 'too_large').toBe(true);
		expect(await readPdf(letter('The next'))).toMatchObject({ text: 'The next' });
	});
});

test('a PDF that takes too much memory is given up, and the next one is read', async () => {
	// Packed twice: what it comes to is not known before pdf.js unpacks it.
	const packed = pdf([' '.repeat(160 * 1024 * 1024)], { compress: 'twice' });
	expect(await readPdf(packed, { time: 10 * MAX_TIME, memory: 32 * 1024 * 1024 })).toEqual(tooLarge);
	expect(await readPdf(letter('The next'))).toMatchObject({ text: 'The next' });
});

test('many at once are each read, bad ones among them', async () => {
	const texts = Array.from({ length: 12 }, (_, i) => `Letter ${i}`);
	const [damaged, long] = [readPdf(new TextEncoder().encode('%PDF-1.4\nnothing')), readPdf(nested, short)];
	const letters = await Promise.all(texts.map((text) => readPdf(letter(text))));
	expect(letters.map(({ text }) => text)).toEqual(texts);
	expect([await damaged, await long]).toEqual([{ text: '', problem: 'unreadable' }, tooLarge]);
});

describe('in one file of its own, as the skill is', () => {
	const folder = mkdtempSync(join(tmpdir(), 'satchel-thread-'));
	const [bun, deno] = [runtime('bun'), runtime('deno')];
	const runtimes: [name: string, command: string[] | null][] = [
		['Node', [process.execPath]],
		['Bun', bun && [bun]],
		['Deno', deno && [deno, 'run', '-A']],
	];

	beforeAll(async () => {
		await build({
			configFile: false,
			logLevel: 'error',
			publicDir: false,
			plugins: [bundled],
			ssr: { noExternal: true },
			build: {
				ssr: fileURLToPath(new URL('../../../relay/agent/text/pdf/pdf.ts', import.meta.url)),
				outDir: folder,
				rolldownOptions: { output: { entryFileNames: 'pdf.mjs', codeSplitting: false } },
			},
		});
		writeFileSync(join(folder, 'nested.pdf'), nested);
		writeFileSync(join(folder, 'damaged.pdf'), '%PDF-1.4\nnothing');
		writeFileSync(join(folder, 'letter.pdf'), letter('Read'));
		const limits = JSON.stringify(short);
		const lines = [
			"import { readFileSync } from 'node:fs';",
			"import { readPdf } from './pdf.mjs';",
			"const read = (name, limits) => readPdf(readFileSync(new URL(name + '.pdf', import.meta.url)), limits);",
			`for (const found of [await read('nested', ${limits}), await read('damaged'), await read('letter')])`,
			'	console.log(JSON.stringify(found));',
		];
		writeFileSync(join(folder, 'main.mjs'), lines.join('\n'));
	});

	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	for (const [name, command] of runtimes) {
		test.runIf(command)(`${name} reads, gives up, says nothing of it and ends by itself`, () => {
			const [program = '', ...args] = command ?? [];
			const ended = spawnSync(program, [...args, join(folder, 'main.mjs')], { encoding: 'utf8', timeout: 25_000 });
			expect(ended).toMatchObject({ status: 0, stderr: '' });
			expect(
				ended.stdout
					.trim()
					.split('\n')
					.map((line) => JSON.parse(line)),
			).toEqual([tooLarge, { text: '', problem: 'unreadable' }, { text: 'Read', pages: 1, cut: false }]);
		});
	}
});
