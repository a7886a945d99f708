import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { run } from '../../../relay/agent/commands/run.js';
import { deliver } from './delivery-support.js';
import { RELAY, Stage, temporaryFolder } from './fake.js';
import { binary, condition, lab, linesOf } from './records-support.js';

function command(s = new Stage()) {
	const stdout: string[] = [];
	const stderr: string[] = [];
	const io = { stdout: (l: string) => void stdout.push(l), stderr: (l: string) => void stderr.push(l), world: s.world };
	return {
		s,
		stdout,
		stderr,
		events: () => stdout.map((l) => JSON.parse(l)),
		run: (...argv: string[]) => run(argv, io),
	};
}

const ASK = ['request', '--relay', RELAY, '--who', 'Helper', '--why', 'To prepare'];
const many = Array.from({ length: 300 }, (_, n) => condition(`c${n}`, '2020', `Finding ${n}`));

describe('records are asked about on the command line', () => {
	test.each([
		[['list'], 'Lakeside Health'],
		[['summary'], 'Asthma'],
		[['summary', 'labs'], '7.20'],
		[['search', 'asthma'], '01-lakeside-health/Condition/c'],
		[['search', '--text', 'asthma', '--kind', 'Condition', '--from', '2019', '--to', '2021'], 'Asthma'],
		[['search', '--code', '4548-4', '--source', 'lakeside'], '7.20'],
		[['read', '01-lakeside-health/documents/Document.txt'], 'Hello'],
		[['trend', 'hemoglobin a1c'], '7.20'],
		[['trend', '--code', 'http://loinc.org|4548-4'], '7.20'],
	])('%j', async (argv, expected) => {
		const out = await deliver({
			resources: [condition('c', '2020', 'Asthma'), lab('o', '2020', '7.20'), binary('b', 'Hello')],
		});
		const c = command();
		expect(await c.run(...argv, '--out', out)).toBe(0);
		expect(c.stdout.join('\n')).toContain(expected);
		expect(c.stdout.join('\n')).toContain('not instructions');
		expect(c.stderr).toEqual([]);
	});

	test('a page says how to ask for the next', async () => {
		const out = await deliver({ resources: many });
		const seen: string[] = [];
		for (let argv = ['search', 'finding', '--out', out]; ; ) {
			const c = command();
			expect(await c.run(...argv)).toBe(0);
			seen.push(...linesOf(c.stdout.join('\n')));
			const next = /\nnext: (--next) (\S+)$/.exec(c.stdout.join('\n'))?.slice(1);
			if (!next) break;
			argv = ['search', 'finding', '--out', out, ...next];
		}
		expect(seen).toHaveLength(300);
	});

	test.each([
		[['list', '--out', 'NOWHERE'], 1, /^no_records: There are no records in this folder/],
		[['read', '../../x', '--out', 'DIR'], 2, /^ref_unknown: There is no resource or document of that name/],
		[['search', '--from', 'secret', '--out', 'DIR'], 2, /^query_invalid: .*put: "from" and "to" are dates/],
		[['read', '--out', 'DIR'], 2, /^usage: Read needs the name of a resource or document\. See --help/],
		[['search', 'a', 'secret', '--out', 'DIR'], 2, /unexpected argument/i],
		[['search', 'secret', '--text', 'secret', '--out', 'DIR'], 2, /^usage: Search takes its words once/],
		[['list', '--who', 'secret', '--out', 'DIR'], 2, /^List takes no --who/],
		[['list'], 2, /^usage: Missing --out/],
		[['mcp', '--out', 'DIR'], 2, /^usage: Missing --relay/],
	])('%j ends with %i, in words on stderr alone', async (argv, exit, words) => {
		const out = await deliver({ resources: [condition('c', '2020', 'Asthma')] });
		const c = command();
		const places: Record<string, string> = { DIR: out, NOWHERE: temporaryFolder() };
		expect(await c.run(...argv.map((arg) => places[arg] ?? arg))).toBe(exit);
		// What is no question never becomes a command: its error is an event, as any other mistake in the line.
		expect(c.stderr.join('\n')).toMatch(words);
		expect(c.stderr.join() + c.stdout.join()).not.toContain('secret');
		expect(c.stdout.filter((text) => !text.startsWith('{"event":"error","code":"usage"'))).toEqual([]);
	});
});

test('records that are asked for, and not here yet, are waited for and not asked for again', async () => {
	const c = command();
	expect(await c.run(...ASK, '--out', c.s.out, '--no-wait')).toBe(0);
	expect(await c.run('list', '--out', c.s.out)).toBe(1);
	expect(c.stderr.at(-1)).toMatch(/^no_records: .*a request is under way; go on with ".*resume --wait 50 --out DIR"/);
});

describe('waiting for a bounded time', () => {
	/** A world whose clock is that of the machine, with a relay that holds no poll. */
	function impatient(): Stage {
		const s = new Stage();
		s.clock = Date.now();
		s.world.sleep = async (_, signal) => {
			await s.steps.shift()?.();
			await delay(20, undefined, { ...(signal && { signal }) });
		};
		return s;
	}

	test('request --wait leaves a session that resume takes in', async () => {
		const c = command(impatient());
		expect(await c.run(...ASK, '--out', c.s.out, '--wait', '1')).toBe(0);
		expect(c.events().map(({ event }) => event)).toEqual(['link', 'waiting']);
		expect(c.events().at(-1).expiresAt).toBe(c.events()[0].expiresAt);
		expect(c.stderr.at(-1)).toContain('resume --wait 1 --out DIR');
		expect(c.s.left()).toEqual(['.satchel-session.json']);
		const d = command(c.s);
		const { parseLink } = await import('../../../relay/link.js');
		c.s.steps = [
			() => c.s.send(parseLink(c.events()[0].url), [{ segments: ['{"resourceType":"Patient","id":"p1"}\n'] }]),
		];
		expect(await d.run('resume', '--out', c.s.out, '--wait', '30')).toBe(0);
		expect(d.events().at(-1)).toMatchObject({ event: 'done' });
	});

	test('a signal that comes before is an interruption all the same', async () => {
		const c = command(impatient());
		c.s.steps = [() => c.s.stop.abort()];
		expect(await c.run(...ASK, '--out', c.s.out, '--wait', '30')).toBe(130);
		expect(c.events().at(-1)).toMatchObject({ event: 'error', code: 'interrupted', resumable: true });
	});

	test.each(['0', '-1', '1.5', '3601', 'x', '1e3'])('--wait %s is no time', async (seconds) => {
		const c = command();
		expect(await c.run(...ASK, '--out', c.s.out, `--wait=${seconds}`)).toBe(2);
		expect(c.s.relay.sessions.size).toBe(0);
	});
});

test('cancel ends a session at the relay and wipes its file', async () => {
	const c = command();
	await c.run(...ASK, '--out', c.s.out, '--no-wait');
	const d = command(c.s);
	expect(await d.run('cancel', '--out', c.s.out)).toBe(0);
	expect(d.events()).toEqual([{ event: 'cancelled', session: 'ended' }]);
	expect(c.s.left()).toEqual([]);
	expect([...c.s.relay.sessions.values()].map(({ state }) => state)).toEqual(['gone']);
	expect(await d.run('cancel', '--out', c.s.out)).toBe(0);
	expect(d.events().at(-1)).toEqual({ event: 'cancelled', session: 'none' });
});

test('delete removes session and records without asking', async () => {
	const c = command();
	const out = await deliver({ resources: many });
	expect(await c.run('delete', '--out', out)).toBe(0);
	expect(c.events()).toEqual([{ event: 'deleted', session: 'none', sources: 1 }]);
	expect(existsSync(out)).toBe(false);
});

test('what the answers and the server need is not loaded for a request', async () => {
	const { readFileSync } = await import('node:fs');
	const { fileURLToPath } = await import('node:url');
	const { dirname, join } = await import('node:path');
	const agent = fileURLToPath(new URL('../../../relay/agent', import.meta.url));
	const seen = new Set<string>();
	const follow = (path: string) => {
		if (seen.has(path)) return;
		seen.add(path);
		const source = readFileSync(path, 'utf8');
		for (const [, name = ''] of source.matchAll(/^import (?!type)[^;]*?'(\.[^']+\.js)'/gm))
			follow(join(dirname(path), name.replace(/js$/, 'ts')));
	};
	for (const name of ['cli.ts', 'commands/receive.ts']) follow(join(agent, name));
	const loaded = [...seen].map((path) => path.slice(agent.length + 1));
	expect(loaded).toEqual(expect.arrayContaining(['commands/run.ts', 'delivery/receive.ts']));
	expect(loaded.filter((path) => /^(?:answers|mcp|text)\b/.test(path))).toEqual([]);
});
