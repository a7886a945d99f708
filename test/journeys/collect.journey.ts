import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { card, include } from './person.js';
import { expectEqual } from './records.js';
import { rowKinds } from './store.js';
import { connect, expect, test } from './support.js';

test('records of two providers are collected into a zip, equal to what the providers hold', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await page.getByRole('link', { name: 'Collect' }).click();
	await include(page, 'Harbor Medical Group').check();
	await include(page, 'Summit Regional').check();
	await page.getByRole('button', { name: 'Collect Records' }).click();
	await expect(page.getByRole('heading', { name: 'Your records are ready' })).toBeVisible({ timeout: 45_000 });
	const downloading = page.waitForEvent('download');
	await page.getByRole('link', { name: 'Download Zip' }).click();
	const download = await downloading;
	expect(download.suggestedFilename()).toMatch(/^health-records-\d{4}-\d\d-\d\d\.zip$/);
	const files = unzipSync(await readFile(await download.path()));
	const names = Object.keys(files);
	expect(names).toContain('01-harbor-medical-group/Patient.ndjson');
	expect(names).toContain('02-summit-regional/index.json');
	const lines: string[] = [];
	for (const [name, octets] of Object.entries(files)) {
		if (!name.endsWith('.ndjson')) continue;
		for (const line of new TextDecoder().decode(octets).split('\n').filter(Boolean)) {
			lines.push(line);
			expect(name).toContain(`/${JSON.parse(line).resourceType}.ndjson`);
		}
	}
	// Every document is there once more as a file that opens by itself, with a name that says what it is.
	const documents = names.filter((name) => name.includes('/documents/'));
	expect(documents).toHaveLength(lines.filter((line) => JSON.parse(line).resourceType === 'Binary').length);
	const pdf = documents.find((name) => name.endsWith('.pdf')) ?? '';
	expect(pdf).toMatch(/^0\d-[a-z-]+\/documents\/\d{4}-\d\d-\d\d \p{L}.+\.pdf$/u);
	expect(new TextDecoder('latin1').decode(files[pdf]).slice(0, 5)).toBe('%PDF-');
	expectEqual(lines, stack, [
		['harbor', 'camila'],
		['summit', 'linnea', ['RelatedPerson']],
	]);
	// It stays until it is deleted, also after a reload.
	await page.goto('/collect');
	await page.getByRole('button', { name: 'Delete this zip' }).click();
	await expect(page.getByRole('button', { name: 'Collect Records' })).toBeVisible();
	await expect(card(page, 'Summit Regional')).toBeVisible();
	await page.reload();
	await expect(page.getByRole('button', { name: 'Collect Records' })).toBeVisible();
});

test('collecting can be cancelled, and leaves nothing of what was read', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await page.goto('/collect');
	await include(page, 'Harbor Medical Group').check();
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Binary' }, action: { delayMs: 500 } });
	await page.getByRole('button', { name: 'Collect Records' }).click();
	await expect(page.getByRole('heading', { name: 'Collecting your records' })).toBeVisible();
	await expect.poll(() => rowKinds(page)).toContain('chunk');
	await page.getByRole('button', { name: 'Cancel' }).click();
	await expect(page.getByRole('button', { name: 'Collect Records' })).toBeVisible();
	expect((await rowKinds(page)).filter((kind) => ['chunk', 'part', 'job'].includes(kind))).toEqual([]);
});
