import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentError } from '../../../relay/agent/errors.js';
import { removeAll } from '../../../relay/agent/files/remove.js';
import { deliver, strangersFolder, tamper } from './delivery-support.js';
import { Stage, stage, temporaryFolder } from './fake.js';
import { binary, condition } from './records-support.js';

const { world } = new Stage();
const records = { resources: [condition('c1', '2020', 'Asthma'), binary('b1', 'Hello')] };

test('records, summary, index and what a killed process left are deleted, and the folder with them', async () => {
	const dir = await deliver(records, { name: 'Harbor', ...records });
	writeFileSync(join(dir, 'summary.md'), '# Summary');
	mkdirSync(join(dir, '.receiving-0123456789abcdef', '01-x'), { recursive: true });
	writeFileSync(join(dir, '.receiving-0123456789abcdef', '01-x', 'Patient.ndjson'), '{}');
	expect(await removeAll(dir, world)).toEqual({ session: 'none', sources: 2 });
	expect(existsSync(dir)).toBe(false);
	expect(await removeAll(dir, world)).toEqual({ session: 'none', sources: 0 });
});

test('what others put into the folder stays', async () => {
	const dir = await deliver(records);
	for (const name of [
		'notes.txt',
		'.receiving-mine',
		'01-lakeside-health/mine.txt',
		'01-lakeside-health/documents/my.pdf',
	])
		writeFileSync(join(dir, name), 'mine');
	mkdirSync(join(dir, '02-other'));
	writeFileSync(join(dir, '02-other', 'Condition.ndjson'), 'mine');
	await removeAll(dir, world);
	const left = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	expect(left.map(({ name }) => name).sort()).toEqual([
		'.receiving-mine',
		'Condition.ndjson',
		'mine.txt',
		'my.pdf',
		'notes.txt',
	]);
});

test('no link is followed', async () => {
	const stranger = strangersFolder();
	const whole = readdirSync(stranger, { recursive: true }).sort();
	const inPlaceOf = async (...names: string[]) => {
		const dir = await deliver({ resources: [...records.resources, condition('a', '2020', 'x')] });
		rmSync(join(dir, ...names), { recursive: true });
		return dir;
	};
	const folder = await inPlaceOf('01-lakeside-health');
	symlinkSync(stranger, join(folder, '01-lakeside-health'));
	const documents = await inPlaceOf('01-lakeside-health', 'documents');
	symlinkSync(join(stranger, 'documents'), join(documents, '01-lakeside-health', 'documents'));
	const file = await inPlaceOf('01-lakeside-health', 'Condition.ndjson');
	symlinkSync(join(stranger, 'Condition.ndjson'), join(file, '01-lakeside-health', 'Condition.ndjson'));
	const staging = await deliver(records);
	symlinkSync(stranger, join(staging, '.receiving-0123456789abcdef'));
	for (const dir of [folder, documents, file, staging]) await removeAll(dir, world);
	expect(readdirSync(stranger, { recursive: true }).sort()).toEqual(whole);
	expect(readFileSync(join(stranger, 'documents', 'a.txt'), 'utf8')).toBe('stolen');
});

test.each([
	[['sources', 0, 'folder'], '../victim'],
	[['sources', 0, 'types'], { '../../victim/Condition': 1 }],
	[['sources', 0, 'documents', 0, 'file'], 'documents/../../../victim/a.txt'],
])('an index that names %j as %j deletes nothing', async (path, value) => {
	const dir = await deliver(records);
	const before = readdirSync(dir, { recursive: true }).length;
	tamper(dir, path, value);
	await expect(removeAll(dir, world)).rejects.toEqual(
		expect.objectContaining({
			code: 'records_damaged',
			detail: expect.stringMatching(/^no record was deleted.*by hand$/),
		}),
	);
	expect(readdirSync(dir, { recursive: true })).toHaveLength(before);
});

test('a session under way is ended at the relay, and its keys are wiped', async () => {
	const { stage: s, file } = await stage();
	expect(await removeAll(s.out, s.world)).toEqual({ session: 'ended', sources: 0 });
	expect(existsSync(file)).toBe(false);
	expect([...s.relay.sessions.values()].map(({ state }) => state)).toEqual(['gone']);
});

test('a relay that does not answer keeps no keys on this machine', async () => {
	const { stage: s, file } = await stage();
	s.relay.intercept = () => Promise.reject(new TypeError('fetch failed'));
	expect(await removeAll(s.out, s.world)).toEqual({ session: 'unreachable', sources: 0 });
	expect(existsSync(file)).toBe(false);
});

test('a session file that is a link is not touched, and neither is anything else', async () => {
	const { stage: s, file } = await stage();
	const elsewhere = join(temporaryFolder(), 'file');
	renameSync(file, elsewhere);
	symlinkSync(elsewhere, file);
	writeFileSync(join(s.out, 'index.json'), '{}');
	await expect(removeAll(s.out, s.world)).rejects.toBeInstanceOf(AgentError);
	expect(existsSync(elsewhere)).toBe(true);
	expect(existsSync(join(s.out, 'index.json'))).toBe(true);
});

test('records of a process that was killed while it moved them are deleted, too', async () => {
	const dir = await deliver(records);
	const staging = join(dir, '.receiving-0123456789abcdef');
	mkdirSync(join(staging, 'replaced'), { recursive: true });
	writeFileSync(join(staging, 'commit.json'), JSON.stringify(['01-lakeside-health', 'index.json']));
	// Its folder is in place, its index is not.
	renameSync(join(dir, 'index.json'), join(staging, 'index.json'));
	expect(await removeAll(dir, world)).toEqual({ session: 'none', sources: 0 });
	expect(existsSync(dir)).toBe(false);
});
