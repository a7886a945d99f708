import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { Staging } from '../../../relay/agent/files/staging.js';
import { temporaryFolder } from './fake.js';

/** Moves that go well before all fail; null: none fails. */
let left: number | null = null;

vi.mock('node:fs', async (original) => {
	const fs = await original<typeof import('node:fs')>();
	const renameSync = (from: string, to: string) => {
		if (left !== null && left-- <= 0) throw Object.assign(new Error('no'), { code: 'EIO' });
		fs.renameSync(from, to);
	};
	return { ...fs, renameSync };
});
beforeEach(() => {
	left = null;
});

async function staged(out: string, text: string): Promise<Staging> {
	const staging = await Staging.create(out);
	await staging.folder('01-a');
	await staging.append('01-a/Patient.ndjson', text);
	await staging.append('index.json', JSON.stringify({ sources: [{ folder: '01-a' }] }));
	return staging;
}

test.each([0, 1, 2, 3])(
	'a disk that fails after %i moves, and goes on failing, loses no earlier delivery',
	async (moves) => {
		const out = temporaryFolder();
		const first = await staged(out, 'one');
		await first.commit(['01-a'], false);
		await first.discard();
		const second = await staged(out, 'two');
		left = moves;
		await expect(second.commit(['01-a'], true)).rejects.toMatchObject({ code: 'output_failed' });
		await second.discard();
		left = null;
		// The next process finds out that this one has gone.
		for (const name of readdirSync(out).filter((name) => name.startsWith('.receiving-')))
			writeFileSync(
				join(out, name, '.owner'),
				JSON.stringify({ host: (await import('node:os')).hostname(), pid: 2 ** 30 }),
			);
		await (await Staging.create(out)).discard();
		expect(readdirSync(out).sort()).toEqual(['01-a', 'index.json']);
		expect(readFileSync(join(out, '01-a', 'Patient.ndjson'), 'utf8')).toBe('one');
	},
);

test('a folder that cannot be made for what is replaced changes nothing', async () => {
	const out = temporaryFolder();
	const first = await staged(out, 'one');
	await first.commit(['01-a'], false);
	await first.discard();
	const second = await staged(out, 'two');
	mkdirSync(join(second.path, 'replaced'));
	await expect(second.commit(['01-a'], true)).rejects.toMatchObject({ code: 'output_failed' });
	await second.discard();
	expect(readFileSync(join(out, '01-a', 'Patient.ndjson'), 'utf8')).toBe('one');
});
