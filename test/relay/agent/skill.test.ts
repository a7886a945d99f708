import {
	chmodSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Index } from '../../../relay/agent/files/records.js';
import { routes } from '../../../relay/contract.js';
import { relayConfig } from '../../../relay/server/config/config.js';
import { type RunningRelay, startRelay } from '../../../relay/server/serve.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { freePort } from '../../tools/free-port.js';
// @ts-expect-error a script without types
import { runtime } from '../../tools/runtimes.mjs';
import { builtSkill } from './built.js';
import { type Ended, endAll, modesIn, run, send, unpack } from './skill-kit.js';

const [bun, deno] = [runtime('bun'), runtime('deno')];
/** How each is told to run a script; null where it cannot be had, which `runtime` has said. */
const runtimes: [name: string, command: string[] | null][] = [
	['Node', [process.execPath]],
	['Bun', bun && [bun]],
	['Deno', deno && [deno, 'run', '-A']],
];

const folder = mkdtempSync(join(tmpdir(), 'satchel-skill-'));
const skill = join(folder, 'satchel');
const script = join(skill, 'scripts/satchel.mjs');
let relay: RunningRelay;
let sandbox: Sandbox;
let zip: Response;
let octets: Uint8Array;

beforeAll(async () => {
	const config = relayConfig({ port: 0, dataDir: join(folder, 'data'), skillDir: await builtSkill(folder) });
	[relay, sandbox] = await Promise.all([startRelay(config), startSandbox()]);
	zip = await fetch(`http://localhost:${relay.port}${routes.skill}`);
	octets = new Uint8Array(await zip.arrayBuffer());
	unpack(octets, folder);
});

afterAll(async () => {
	endAll();
	await Promise.all([relay?.close(), sandbox?.close()]);
	rmSync(folder, { recursive: true, force: true });
});

const SYSTEM = 'harbor';
const [PATIENT, ASKED] = ['camila', ['--who', 'Visit helper', '--why', 'To prepare']];

/** What the sandbox has of somebody, as a wallet sends it: three parts, cut between lines. */
function records() {
	const resources = [...sandbox.resources(SYSTEM, PATIENT)];
	const third = Math.ceil(resources.length / 3);
	const segments = [0, 1, 2].map((n) =>
		resources
			.slice(n * third, (n + 1) * third)
			.map(({ text }) => `${text}\n`)
			.join(''),
	);
	const { name, fhirBaseUrl } = sandbox.systems.find(({ id }) => id === SYSTEM)!;
	const patient = { id: sandbox.patientId(SYSTEM, PATIENT) };
	return { resources, source: { name, fhirBaseUrl, patient, segments } };
}

/** Each answer has marks of its own. */
const unmarked = (text: string) => text.replaceAll(/\b[0-9a-f]{16}\b/g, 'mark');

describe('the zip', () => {
	test('holds the instructions and the script, which may be executed, and nothing else', () => {
		expect(zip.headers.get('Content-Disposition')).toBe('attachment; filename="satchel-skill.zip"');
		expect(modesIn(octets)).toEqual({
			'satchel/SKILL.md': 0o100644,
			'satchel/scripts/satchel.mjs': 0o100755,
		});
	});

	test('has the address of the relay in both, and no place for one is left over', () => {
		for (const path of [join(skill, 'SKILL.md'), script]) {
			const text = readFileSync(path, 'utf8');
			expect(text).toContain(`http://localhost:${relay.port}`);
			expect(text).not.toContain('relay.invalid');
		}
	});

	test('has instructions with a front matter, whose options and exit codes are those of the help', async () => {
		const text = readFileSync(join(skill, 'SKILL.md'), 'utf8');
		expect(text).toMatch(/^---\nname: satchel\ndescription: [^:\n]{50,1024}\n---\n\n# Satchel\n/);
		const { stdout } = await run([process.execPath, script, '--help'], folder);
		expect(stdout).toContain('node scripts/satchel.mjs request');
		expect(stdout).not.toContain('npm run');
		const options = (of: string) => new Set(of.match(/--[a-z][a-z-]+/g));
		expect([...options(stdout)]).toEqual(expect.arrayContaining([...options(text)]));
		const codes = text.match(/^\| \d+ +(?=\|)/gm)?.map((cell) => Number(cell.slice(1)));
		const told = /^Exit: ([\s\S]*)$/m.exec(stdout)?.[1]?.match(/(?<=^|· ?|^ +)\d+(?= )/gm);
		expect(codes).toEqual(told?.map(Number));
	});

	test('has a script that imports nothing but what every runtime has', () => {
		const [, head = ''] = /^#!.*\n((?:import\b[^;]+;\s*)+)/.exec(readFileSync(script, 'utf8')) ?? [];
		const imported = [...head.matchAll(/["']([^"']+)["']/g)].map(([, from]) => from);
		expect(imported.length).toBeGreaterThan(3);
		expect(imported.filter((from) => !from?.startsWith('node:'))).toEqual([]);
	});
});

describe.concurrent.each(runtimes)('on %s', (name, command) => {
	const on = (runner: string[] | null, ...args: string[]) => run([...(runner ?? []), script, ...args], folder);
	const satchel = (...args: string[]) => [...(command ?? []), script, ...args];
	const out = join(folder, name);
	let asked: Promise<Ended> | undefined;

	/** One delivery into `out`, for whoever needs it first. */
	function delivered() {
		asked ??= (async () => {
			let sent: Promise<void> | undefined;
			const ended = await run(satchel('request', '--out', out, ...ASKED), folder, (url) => {
				expect(url).toMatch(new RegExp(`^http://localhost:${relay.port}/connect/`));
				sent = send(url, [records().source]);
			});
			await sent;
			return ended;
		})();
		return asked;
	}

	test.runIf(command)('the script asks its relay and writes what the sandbox has, text by text', async () => {
		const ended = await delivered();
		expect(ended.code, ended.stderr).toBe(0);
		expect(ended.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['link', 'claimed', 'done']));
		expect(ended.stderr).not.toMatch(/warn/i);

		const { resources } = records();
		const { sources } = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')) as Index;
		const dir = join(out, sources[0]!.folder);
		const expected = new Map<string, string[]>();
		for (const { type, text } of resources) expected.set(type, [...(expected.get(type) ?? []), text]);
		expect(expected.size).toBeGreaterThan(10);
		const written = readdirSync(dir).filter((file) => file.endsWith('.ndjson'));
		expect(written.sort()).toEqual([...expected.keys()].map((type) => `${type}.ndjson`).sort());
		for (const [type, list] of expected) {
			const lines = readFileSync(join(dir, `${type}.ndjson`), 'utf8');
			expect(lines).toBe(list.map((text) => `${text}\n`).join(''));
		}
		const binaries = expected.get('Binary')!.map((text) => JSON.parse(text));
		const documents = Object.fromEntries(sources[0]!.documents.map(({ id, file }) => [id, file]));
		for (const { id, data } of binaries) {
			expect(readFileSync(join(dir, documents[id] ?? ''))).toEqual(Buffer.from(data, 'base64'));
		}
		if (process.platform === 'win32') return;
		expect(statSync(out).mode & 0o777).toBe(0o700);
		for (const file of ['index.json', `${sources[0]!.folder}/Patient.ndjson`]) {
			expect(statSync(join(out, file)).mode & 0o777).toBe(0o600);
		}
	});

	// Node is what the others are compared with.
	test.runIf(command && name !== 'Node')('it answers about records and documents as on Node', async () => {
		await delivered();
		const { sources } = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')) as Index;
		const kinds = new Map(sources[0]!.documents.map(({ contentType, file }) => [contentType, file]));
		expect(kinds.size).toBeGreaterThan(2);
		const documents = [...kinds.values()].map((file) => ['read', `${sources[0]!.folder}/${file}`]);
		for (const question of [['list'], ['trend', '--code', '4548-4'], ...documents]) {
			const both = [command, [process.execPath]].map((runner) => on(runner, ...question, '--out', out));
			const [here, there] = await Promise.all(both);
			expect(there!.code, there!.stderr).toBe(0);
			expect(there!.stdout.length).toBeGreaterThan(300);
			expect({ ...here, stdout: unmarked(here!.stdout) }).toEqual({ ...there, stdout: unmarked(there!.stdout) });
		}
	});

	test.runIf(command)('it serves tools until its client has gone', async () => {
		const ended = await on(command, 'mcp', '--out', join(folder, `${name}-mcp`));
		expect(ended).toEqual({ code: 0, stdout: '', stderr: '', events: [] });
	});

	test.runIf(command && process.platform !== 'win32')(
		'Ctrl-C leaves the session alone, whose file is not used once others can read it, or when it is a link',
		async () => {
			const dir = join(folder, `${name}-stopped`);
			const file = join(dir, '.satchel-session.json');
			const ended = await run(satchel('request', '--out', dir, ...ASKED), folder, (_, child) => child.kill('SIGINT'));
			expect(ended.code).toBe(130);
			expect(ended.events.at(-1)).toEqual({ event: 'error', code: 'interrupted', resumable: true });
			expect(readdirSync(dir)).toEqual(['.satchel-session.json']);
			expect(statSync(file).mode & 0o777).toBe(0o600);

			const unsafe = async () => {
				const { code, events } = await on(command, 'resume', '--out', dir);
				expect({ code, events }).toMatchObject({ code: 1, events: [{ event: 'error', code: 'session_file_unsafe' }] });
			};
			chmodSync(file, 0o644);
			await unsafe();
			chmodSync(file, 0o600);
			renameSync(file, `${file}.real`);
			symlinkSync(`${file}.real`, file);
			await unsafe();
		},
	);

	test.runIf(command)('whoever reads what is told and leaves interrupts it, and nothing half is left', async () => {
		const dir = join(folder, `${name}-unread`);
		let sent: Promise<void> | undefined;
		const ended = await run(satchel('request', '--out', dir, ...ASKED), folder, (url, child) => {
			child.stdout?.destroy();
			sent = send(url, [records().source]);
		});
		await sent;
		expect(ended).toMatchObject({ code: 130, stderr: expect.not.stringContaining('EPIPE') });
		expect(readdirSync(dir)).toEqual(['.satchel-session.json']);
	});

	test.runIf(command)('a relay that is gone is an error, and nothing is left', async () => {
		const gone = `http://localhost:${await freePort()}`;
		const dir = join(folder, `${name}-gone`);
		const ended = await on(command, 'request', '--relay', gone, '--out', dir, ...ASKED);
		expect(ended.events).toEqual([{ event: 'error', code: 'relay_unreachable', resumable: false }]);
		expect(ended.code).toBe(1);
		expect(readdirSync(dir)).toEqual([]);
	});
});

test('what the instructions say works as it stands there, from the request to the deletion', async () => {
	const text = readFileSync(join(skill, 'SKILL.md'), 'utf8');
	const examples = [...text.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block = '']) =>
		block.split('\n').map((line) => line.trim()),
	);
	const commands = examples.filter(Boolean);
	const named = new Set(commands.map((line) => line.split(' ')[2]));
	expect([...named]).toEqual(['--help', 'request', 'resume', 'list', 'summary', 'search', 'read', 'trend', 'delete']);
	const out = join(folder, 'examples');
	let ref = '';
	let sent: Promise<void> | undefined;
	for (const command of commands) {
		const line = command
			.replace(/^node /, `'${process.execPath}' `)
			.replace(/\bDIR\b/, out)
			.replace(/\bREF\b/, `'${ref}'`);
		const ended = await run(['sh', '-c', line], skill, (url) => {
			sent ??= send(url, [records().source]);
		});
		await sent;
		expect(ended.code, `${command}: ${ended.stderr}`).toBe(0);
		ref = /\b01-[\w-]+\/[A-Z]\w+\/[\w.#-]+/.exec(ended.stdout)?.[0] ?? ref;
		if (/ (list|summary|search|read|trend) /.test(command)) {
			expect(ended.stdout.length, command).toBeGreaterThan(200);
			expect(ended.stdout, command).toMatch(/not instructions/);
		}
		if (command.includes(' read ')) expect(ended.stdout).toContain(ref.split('/')[2]);
		if (command.includes(' trend ')) expect(ended.stdout).toContain('%');
	}
	expect(ref).not.toBe('');
	expect(existsSync(out)).toBe(false);
});
