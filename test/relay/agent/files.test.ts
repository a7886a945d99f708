import { spawnSync } from 'node:child_process';
import {
	chmodSync,
	chownSync,
	existsSync,
	linkSync,
	mkdirSync,
	readFileSync,
	renameSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { DocumentNames, folderName, TypeNames } from '../../../relay/agent/files/names.js';
import { checkOutputFree, clearAbandoned, Staging } from '../../../relay/agent/files/staging.js';
import {
	privateFolder,
	readSessionFile,
	sessionFile,
	wipeSessionFile,
	writeSessionFile,
} from '../../../relay/agent/keyfile.js';
import { FOLDER_NAME } from '../../../relay/agent/layout.js';
import type { AgentSession } from '../../../relay/agent/session.js';
import { Stage, temporaryFolder } from './fake.js';

describe('the session file', () => {
	let session: AgentSession;
	let out: string;
	let file: string;
	beforeEach(async () => {
		session = await new Stage().open();
		out = join(temporaryFolder(), 'new', 'folder');
		file = sessionFile(out);
		await writeSessionFile(file, session);
	});

	test('has mode 0600 in a folder of mode 0700, and reads as it was written', async () => {
		expect(statSync(file).mode & 0o777).toBe(0o600);
		expect(statSync(out).mode & 0o777).toBe(0o700);
		expect(await readSessionFile(file)).toEqual(session);
	});

	test('is never written over', async () => {
		await expect(writeSessionFile(file, session)).rejects.toMatchObject({ code: 'session_file_exists' });
	});

	test('is not written through a link', async () => {
		const aim = join(out, 'aim');
		symlinkSync(aim, join(out, 'link'));
		await expect(writeSessionFile(join(out, 'link'), session)).rejects.toMatchObject({ code: 'session_file_exists' });
		expect(existsSync(aim)).toBe(false);
	});

	test.each([0o640, 0o604, 0o620, 0o666])('is not used with mode %o', async (mode) => {
		chmodSync(file, mode);
		await expect(readSessionFile(file)).rejects.toMatchObject({ code: 'session_file_unsafe' });
		await expect(wipeSessionFile(file)).rejects.toMatchObject({ code: 'session_file_unsafe' });
	});

	test('is not used through a symbolic link, under two names, or when it is a folder', async () => {
		symlinkSync(file, join(out, 'link'));
		await expect(readSessionFile(join(out, 'link'))).rejects.toMatchObject({ code: 'session_file_unsafe' });
		linkSync(file, join(out, 'second'));
		await expect(readSessionFile(file)).rejects.toMatchObject({ code: 'session_file_unsafe' });
		await expect(readSessionFile(out)).rejects.toMatchObject({ code: 'session_file_unsafe' });
	});

	test.skipIf(process.getuid?.() !== 0)('is not used when it belongs to somebody else', async () => {
		chownSync(file, 12345, 12345);
		await expect(readSessionFile(file)).rejects.toMatchObject({ code: 'session_file_unsafe' });
	});

	test.each([
		['not JSON', () => 'sk: abc'],
		['a key cut short', (s: AgentSession) => JSON.stringify({ ...s, sk: s.sk.slice(1) })],
		['a relay without TLS', (s: AgentSession) => JSON.stringify({ ...s, relay: 'http://relay.example' })],
		['another version', (s: AgentSession) => JSON.stringify({ ...s, v: 2 })],
		['far too long', () => 'x'.repeat(70_000)],
	])('is not used with %s, and the error quotes nothing of it', async (_, content) => {
		writeFileSync(file, content(session));
		const error = await readSessionFile(file).catch((cause) => cause);
		expect([error.code, error.cause]).toEqual(['session_file_invalid', undefined]);
	});

	test('is overwritten before it is unlinked; wiping what is not there is fine', async () => {
		const handle = await open(file, 'r');
		await wipeSessionFile(file);
		const rest = await handle.readFile('latin1');
		await handle.close();
		expect(rest.length).toBeGreaterThan(100);
		expect(rest).not.toContain(session.sk);
		expect(existsSync(file)).toBe(false);
		await wipeSessionFile(file);
		await expect(readSessionFile(file)).rejects.toMatchObject({ code: 'session_file_missing' });
	});
});

describe('the output folder', () => {
	test('is narrowed to 0700 when it is there and empty', async () => {
		const out = temporaryFolder();
		chmodSync(out, 0o775);
		await privateFolder(out);
		expect(statSync(out).mode & 0o777).toBe(0o700);
	});

	test('is left as it is with files in it, and refused when others could write into it', async () => {
		const out = temporaryFolder();
		writeFileSync(join(out, 'mine'), '');
		chmodSync(out, 0o755);
		await privateFolder(out);
		expect(statSync(out).mode & 0o777).toBe(0o755);
		chmodSync(out, 0o777);
		await expect(privateFolder(out)).rejects.toMatchObject({ code: 'output_unsafe' });
	});

	test('is not made where a file is', async () => {
		const file = join(temporaryFolder(), 'file');
		writeFileSync(file, '');
		await expect(privateFolder(join(file, 'out'))).rejects.toMatchObject({ code: 'output_failed' });
	});
});

describe('staging', () => {
	async function staged(out: string, text: string, folder = '01-a') {
		const staging = await Staging.create(out);
		await staging.folder(folder);
		await staging.append(`${folder}/Patient.ndjson`, text);
		await staging.append('index.json', JSON.stringify({ sources: [{ folder }] }));
		return staging;
	}
	const text = (out: string) => readFileSync(join(out, '01-a', 'Patient.ndjson'), 'utf8');

	test('shows nothing before it is committed, and nothing but the delivery after', async () => {
		const s = new Stage();
		const staging = await staged(s.out, 'one');
		expect(s.left()).toEqual([expect.stringMatching(/^\.receiving-[0-9a-f]{16}$/)]);
		expect(s.mode(s.left()[0] ?? '')).toBe(0o700);
		await staging.commit(['01-a'], false);
		await staging.discard();
		expect(s.left()).toEqual(['01-a', 'index.json']);
	});

	test('never replaces an earlier delivery unless forced, and then replaces all of it', async () => {
		const s = new Stage();
		const first = await staged(s.out, 'one', '02-b');
		await first.commit(['02-b'], false);
		await first.discard();
		writeFileSync(join(s.out, 'notes.txt'), 'mine');
		expect(() => checkOutputFree(s.out)).toThrow(expect.objectContaining({ code: 'output_exists' }));
		const second = await staged(s.out, 'two');
		await expect(second.commit(['01-a'], false)).rejects.toMatchObject({ code: 'output_exists' });
		expect(existsSync(join(s.out, '01-a'))).toBe(false);
		await second.commit(['01-a'], true);
		await second.discard();
		expect(s.left()).toEqual(['01-a', 'index.json', 'notes.txt']);
		expect(text(s.out)).toBe('two');
	});

	test('does not touch a folder that happens to have a name of ours', async () => {
		const s = new Stage();
		mkdirSync(join(s.out, '01-a'));
		writeFileSync(join(s.out, '01-a', 'Patient.ndjson'), 'mine');
		const staging = await staged(s.out, 'one');
		await expect(staging.commit(['01-a'], false)).rejects.toMatchObject({ code: 'output_exists' });
		expect(text(s.out)).toBe('mine');
	});

	test('puts the earlier delivery back when moving fails half-way', async () => {
		const s = new Stage();
		const first = await staged(s.out, 'one');
		await first.commit(['01-a'], false);
		await first.discard();
		const second = await staged(s.out, 'two');
		await expect(second.commit(['01-a', '02-never-written'], true)).rejects.toMatchObject({ code: 'output_failed' });
		await second.discard();
		expect(s.left()).toEqual(['01-a', 'index.json']);
		expect(text(s.out)).toBe('one');
	});

	test('forced over an index somebody altered, moves no folder the index points to elsewhere', async () => {
		const s = new Stage();
		mkdirSync(join(s.out, 'mine'));
		const index = { sources: [{ folder: 'mine' }, { folder: '../..' }] };
		writeFileSync(join(s.out, 'index.json'), JSON.stringify(index));
		const staging = await staged(s.out, 'one');
		await staging.commit(['01-a'], true);
		await staging.discard();
		expect(s.left()).toEqual(['01-a', 'index.json', 'mine']);
	});

	/** As a process leaves it that was killed: its staging folder says that it was another's, which is no more. */
	function abandon(path: string) {
		const { pid } = spawnSync(process.execPath, ['-e', '']);
		writeFileSync(join(path, '.owner'), JSON.stringify({ host: hostname(), pid }));
	}

	test.each([0, 1, 2, 3, 4, 5, 6])('undoes the moves of a process that was killed after %i of them', async (moves) => {
		const s = new Stage();
		const first = await staged(s.out, 'one');
		await first.append('summary.md', 'one');
		await first.commit(['01-a'], false);
		await first.discard();
		const second = await staged(s.out, 'two');
		await second.append('summary.md', 'two');
		// What commit writes down and does, up to where it was cut off.
		mkdirSync(join(second.path, 'replaced'));
		writeFileSync(join(second.path, 'commit.json'), JSON.stringify(['01-a', 'summary.md', 'index.json']));
		const names = ['index.json', 'summary.md', '01-a'];
		const steps = [
			...names.map((name) => [join(s.out, name), join(second.path, 'replaced', name)]),
			...['01-a', 'summary.md', 'index.json'].map((name) => [join(second.path, name), join(s.out, name)]),
		];
		for (const [from = '', to = ''] of steps.slice(0, moves)) renameSync(from, to);
		abandon(second.path);
		await clearAbandoned(s.out);
		expect(s.left()).toEqual(['01-a', 'index.json', 'summary.md']);
		const whole = moves === 6 ? 'two' : 'one';
		expect([text(s.out), s.read('summary.md')]).toEqual([whole, whole]);
	});

	test('removes at once what a killed process left, and never what a living one has', async () => {
		const s = new Stage();
		const [mine, left] = [await staged(s.out, 'mine'), await staged(s.out, 'left')];
		abandon(left.path);
		await (await Staging.create(s.out)).discard();
		expect(existsSync(left.path)).toBe(false);
		expect(existsSync(mine.path)).toBe(true);
	});

	test.skipIf(process.platform === 'win32')('is not held up by an index that is a pipe', async () => {
		const s = new Stage();
		spawnSync('mkfifo', [join(s.out, 'index.json')]);
		const staging = await staged(s.out, 'one');
		await staging.commit(['01-a'], true);
		await staging.discard();
		expect(text(s.out)).toBe('one');
		expect(s.left()).toEqual(['01-a', 'index.json']);
	});

	test('removes what a killed process left hours ago, and not what another has just begun', async () => {
		const s = new Stage();
		const [old, young] = [`.receiving-${'0'.repeat(16)}`, `.receiving-${'1'.repeat(16)}`];
		for (const name of [old, young]) mkdirSync(join(s.out, name));
		const hoursAgo = new Date(Date.now() - 3 * 3600 * 1000);
		utimesSync(join(s.out, old), hoursAgo, hoursAgo);
		const staging = await Staging.create(s.out);
		await staging.discard();
		expect(s.left()).toEqual([young]);
	});
});

describe('names', () => {
	test('of folders are always one harmless path segment', () => {
		fc.assert(
			fc.property(fc.nat(300), fc.string({ unit: 'binary' }), (position, name) =>
				FOLDER_NAME.test(folderName(position, name)),
			),
		);
		expect(folderName(0, 'Lakeside Health')).toBe('01-lakeside-health');
		expect(folderName(11, `${'a'.repeat(39)} b`)).toBe(`12-${'a'.repeat(39)}`);
	});

	test('of files are letters, never reserved, never equal but for case', () => {
		fc.assert(
			fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('con', 'Con', 'Patient', 'patient'))), (types) => {
				const names = new TypeNames();
				const given = new Set(types.map((type) => names.of(type)));
				for (const name of given) expect(name).toMatch(/^(?!(con|prn|aux|nul)$)[a-z]{1,64}$/i);
				expect(new Set([...given].map((name) => name.toLowerCase())).size).toBe(given.size);
			}),
		);
	});

	test('of types are bounded in number', () => {
		const names = new TypeNames();
		const letters = 'abcdefghijklmnopqrstuvwxyz';
		const types = [...letters].flatMap((a) => [...letters].map((b) => `Type${a}${b}`));
		expect(new Set(types.map((type) => names.of(type))).size).toBe(250);
	});

	test('of documents have the day and the title, and are harmless and never equal, whatever these say', () => {
		const hostile = fc.oneof(
			fc.string({ unit: 'binary' }),
			fc.constantFrom(
				'con',
				'LPT1',
				'..',
				'-rf',
				'/etc/passwd',
				'\u202etxt',
				'Ä',
				'A\u0308',
				'x (2)',
				'病'.repeat(200),
			),
		);
		const about = fc.record({ title: hostile, date: hostile, type: hostile }, { requiredKeys: [] });
		fc.assert(
			fc.property(fc.array(fc.tuple(about, fc.anything())), (documents) => {
				const names = new DocumentNames();
				const given = documents.map(([one, contentType]) => names.of(one, contentType));
				for (const name of given) {
					expect(name).toMatch(
						/^[\p{L}\p{N}][\p{L}\p{M}\p{N}, _-]*( \(\d+\))?\.(pdf|xml|html|rtf|txt|png|jpg|tif|bin)$/u,
					);
					expect(name).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)\./i);
					expect(Buffer.byteLength(name)).toBeLessThan(255);
				}
				expect(new Set(given.map((name) => name.normalize('NFKC').toLowerCase())).size).toBe(given.length);
			}),
		);
		const names = new DocumentNames();
		const summary = { title: 'Discharge summary', date: '2019-03-02T08:00:00Z' };
		expect([summary, summary, { type: 'X-ray: chest' }, {}].map((one) => names.of(one, 'text/rtf'))).toEqual([
			'2019-03-02 Discharge summary.rtf',
			'2019-03-02 Discharge summary (2).rtf',
			'X-ray chest.rtf',
			'Document.rtf',
		]);
		expect(names.of({ ...summary, title: 'Note of 2019-03-02' }, 'text/plain')).toBe('2019-03-02 Note of.txt');
		expect(names.of(summary, 'image/tiff; x=y')).toBe('2019-03-02 Discharge summary.tif');
	});
});
