import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { follow } from '../../../relay/agent/delivery/receive.js';
import { checkOutputFree, Staging } from '../../../relay/agent/files/staging.js';
import { sessionFile, writeSessionFile } from '../../../relay/agent/keyfile.js';
import { openLibrary } from '../../../relay/agent/library/library.js';
import { summarize } from '../../../relay/agent/summary/summary.js';
import { all, Stage } from './fake.js';

let s: Stage;
beforeEach(() => {
	s = new Stage();
});

async function receive(words: string, force = false): Promise<void> {
	const session = await s.open();
	const file = sessionFile(s.out);
	await writeSessionFile(file, session);
	const problem = { resourceType: 'Condition', id: 'c1', clinicalStatus: 'active', code: { text: words } };
	await s.send(session, [{ segments: [`${JSON.stringify(problem)}\n`] }]);
	await all(follow(session, { out: s.out, sessionFile: file, world: s.world, force }));
}

test('every delivery has a summary of its own, which is what its files give', async () => {
	await receive('Asthma');
	expect(s.mode('summary.md')).toBe(0o600);
	expect(s.read('summary.md')).toContain('**Asthma**: no date — S1 `01-example-clinic/Condition/c1`');
	expect(await summarize(await openLibrary(s.out))).toBe(s.read('summary.md'));
	await receive('Gout', true);
	expect(s.read('summary.md')).toContain('**Gout**');
	expect(s.read('summary.md')).not.toContain('Asthma');
});

test('a summary comes and goes with its delivery: one that cannot be moved into place brings the earlier back', async () => {
	await receive('Asthma');
	const before = s.read('summary.md');
	const staging = await Staging.create(s.out);
	await staging.append('summary.md', 'another');
	await staging.append('index.json', '{}');
	await expect(staging.commit(['09-never-written'], true)).rejects.toMatchObject({ code: 'output_failed' });
	await staging.discard();
	expect(s.read('summary.md')).toBe(before);
	expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
});

test("somebody's own summary.md is not written over, and that is said before anything is asked for", () => {
	writeFileSync(join(s.out, 'summary.md'), 'mine');
	expect(() => checkOutputFree(s.out)).toThrow(expect.objectContaining({ code: 'output_exists' }));
	expect(readFileSync(join(s.out, 'summary.md'), 'utf8')).toBe('mine');
});
