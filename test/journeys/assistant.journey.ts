/** An assistant that learns from the relay how to ask, and one that has the tools; a person in between, with the app. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { unzipSync } from 'fflate';
import { card, expectSent, include, send } from './person.js';
import { connect, expect, test } from './support.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

test('the start page gives an assistant what it needs, and it reads what the person sends', async ({ page, stack }) => {
	const folder = await mkdtemp(join(tmpdir(), 'satchel-skill-'));
	try {
		await connect(page, { provider: 'Harbor', username: 'camila' });
		// With the worker in control: the zip is the host's to give all the same.
		await page.goto('/');
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page.getByRole('link', { name: 'instructions for assistants (zip)' }).click(),
		]);
		expect(download.suggestedFilename()).toBe('satchel-skill.zip');
		for (const [name, octets] of Object.entries(unzipSync(await readFile(await download.path())))) {
			await mkdir(dirname(join(folder, name)), { recursive: true });
			await writeFile(join(folder, name), octets);
		}

		const skill = join(folder, 'satchel');
		expect(await readFile(join(skill, 'SKILL.md'), 'utf8')).toContain(stack.origin);
		const out = join(folder, 'records');
		const satchel = async (...args: string[]) =>
			(await run(process.execPath, ['scripts/satchel.mjs', ...args, '--out', out], { cwd: skill })).stdout;
		const asked = await satchel('request', '--no-wait', '--who', 'Visit helper', '--why', 'To prepare');
		const { url, code } = JSON.parse(asked.split('\n')[0] ?? '');
		await page.goto(url);
		await expect(page.getByText(code)).toBeVisible();
		await include(page, 'Harbor Medical Group').check();
		await send(page);
		expect(await satchel('resume', '--wait', '50')).toContain('"event":"done"');
		await expectSent(page);

		expect(await satchel('list')).toContain('Harbor Medical Group');
		expect(await satchel('summary', 'allergies')).toMatch(/penicillin/i);
		await satchel('delete');
		await expect(readFile(join(out, 'index.json'))).rejects.toThrow('ENOENT');
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
});

test('an assistant with the tools asks, waits, and reads; a person sees its name and the code', async ({
	page,
	stack,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const folder = await mkdtemp(join(tmpdir(), 'satchel-mcp-'));
	const client = new Client({ name: 'journey', version: '1' });
	try {
		const args = [join(root, 'dist/node/agent.js'), 'mcp', '--relay', stack.origin, '--out', join(folder, 'records')];
		await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
		const call = async (name: string, given: Record<string, unknown> = {}) => {
			const { content, isError } = await client.callTool({ name, arguments: given });
			const text = (content as { text: string }[]).map((part) => part.text).join('\n');
			expect(isError, text).toBeFalsy();
			return text;
		};
		const asked = await call('request_records', { who: 'Visit helper', why: 'To prepare' });
		const url = new RegExp(`${stack.origin}/connect/[^\\s"<>)]+`).exec(asked)?.[0] ?? '';
		await page.goto(url);
		await expect(page.getByText('Visit helper')).toBeVisible();
		await expect(page.getByText(/\b\d{3} \d{3}\b/.exec(asked)?.[0] ?? 'no code')).toBeVisible();
		await expect(card(page, 'Harbor Medical Group')).toBeVisible();
		await include(page, 'Harbor Medical Group').check();
		await send(page);
		await expect.poll(() => call('wait_for_records'), { timeout: 60_000 }).toMatch(/have arrived and are verified/);
		await expectSent(page);
		expect(await call('search_records', { text: 'penicillin' })).toMatch(/AllergyIntolerance/);
		await call('delete_records', { confirm: true });
	} finally {
		await client.close();
		await rm(folder, { recursive: true, force: true });
	}
});
