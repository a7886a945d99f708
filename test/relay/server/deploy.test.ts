/** What is in `relay/deploy`, as far as this machine can try it; nginx.conf is tried in `proxy.test.ts`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { until } from './socket.js';
import { temporaryDirectory } from './support.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const example = (name: string) => readFileSync(join(root, 'relay/deploy', name), 'utf8');

/** Whether a program is here; said where it is not, so that nobody takes a skipped test for a passed one. */
function has(program: string): boolean {
	const here = spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
	if (!here) console.warn(`${program} is not installed here: an example in relay/deploy was not tried`);
	return here;
}

/** The build as the examples make it, somewhere else. */
function deployed(): string {
	const folder = join(temporaryDirectory(), 'deploy');
	const vite = join(root, 'node_modules/vite/bin/vite.js');
	const built = spawnSync(process.execPath, [vite, 'build', '--mode', 'deploy', '--outDir', folder, '--emptyOutDir'], {
		cwd: root,
		encoding: 'utf8',
	});
	expect(built.stderr).toBe('');
	return folder;
}

describe('the build for a bare Node', () => {
	test('runs where nothing is installed: keys, and a relay that signs with them', { timeout: 60_000 }, async () => {
		const folder = deployed();
		const elsewhere = temporaryDirectory();
		const run = { cwd: elsewhere, env: { PATH: process.env.PATH } };
		const made = spawnSync(process.execPath, [join(folder, 'keys.mjs'), '--out', 'keys', '--bits', '2048'], run);
		expect(made.status).toBe(0);
		const child = spawn(process.execPath, [join(folder, 'relay.mjs')], {
			...run,
			env: { ...run.env, PORT: '0', HOST: '127.0.0.1', ASSERTION_KEYS: 'keys/assertion-keys.json' },
		});
		onTestFinished(() => void child.kill('SIGKILL'));
		let printed = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
		await until(() => printed.includes('listening') || child.exitCode !== null);
		const origin = /"origin":"([^"]+)"/.exec(printed)?.[1];
		expect(await (await fetch(origin + routes.health)).json()).toEqual({ status: 'ok' });
		expect((await (await fetch(origin + routes.jwks)).json()).keys).toHaveLength(2);
		// Nothing was built into that directory, and the relay says so.
		expect(printed).toContain('APP_DIR=dist/app has no built app in it');
		child.kill('SIGTERM');
		expect((await once(child, 'exit'))[0]).toBe(0);
	});

	test('ends with 1 where Redis is away, so that it is started again, and with 2 for a mistake', {
		timeout: 60_000,
	}, () => {
		const relay = join(deployed(), 'relay.mjs');
		const end = (environment: Record<string, string>) =>
			spawnSync(process.execPath, [relay], {
				cwd: temporaryDirectory(),
				env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', ...environment },
				encoding: 'utf8',
			});
		// Port 9 is discard's: nobody has that nowadays.
		const away = end({ REDIS_URL: 'redis://127.0.0.1:9' });
		expect([away.status, away.stderr]).toEqual([1, 'REDIS_URL=redis://127.0.0.1:9: nobody listens there\n']);
		const mistaken = end({ BASE_URL: 'satchel' });
		expect([mistaken.status, mistaken.stderr]).toEqual([
			2,
			'BASE_URL=satchel must be an origin, such as https://satchel.example\n',
		]);
	});
});

describe('the image', () => {
	const lines = example('Containerfile').split('\n');

	test('is built from what is there, and the ignore file lets through', () => {
		const ignored = example('Containerfile.dockerignore').split('\n');
		const copied = lines
			.filter((line) => /^COPY (?!--from)/.test(line))
			.flatMap((line) => line.split(' ').slice(1, -1));
		expect(copied.length).toBeGreaterThan(5);
		for (const path of copied) {
			expect(existsSync(join(root, path)), path).toBe(true);
			expect(ignored, path).toContain(`!${path}`);
		}
		// What the last rules take back lies in one of the folders.
		expect(ignored.slice(-5)).toContain('**/*keys*.json');
	});

	test('makes a folder of its own user’s wherever a volume comes, and what it builds are builds', () => {
		const text = lines.join('\n');
		expect(/^RUN install -d -m 0700 -o node -g node (.+)$/m.exec(text)?.[1]?.split(' ')).toEqual(['/data', '/keys']);
		const modes = [...text.matchAll(/--mode (\w+)/g)].map(([, mode]) => mode);
		const known = /const builds.* = \{ (.+) \};/.exec(readFileSync(join(root, 'vite.config.ts'), 'utf8'))?.[1];
		for (const mode of modes) expect(known?.split(', ')).toContain(mode);
	});
});

describe.skipIf(!has('caddy'))('the Caddyfile', () => {
	test('is one, and well formed', () => {
		const path = join(root, 'relay/deploy/Caddyfile');
		const adapted = spawnSync('caddy', ['adapt', '--adapter', 'caddyfile', '--config', path], { encoding: 'utf8' });
		expect([adapted.status, adapted.stderr]).toEqual([0, '']);
		const { apps } = JSON.parse(adapted.stdout);
		expect(JSON.stringify(apps)).toContain(`"uri":"${routes.live}"`);
	});
});

describe.skipIf(!has('systemd-analyze'))('the unit', () => {
	const verify = (unit: string) => {
		const path = join(temporaryDirectory(), 'satchel.service');
		// There need be no Node where the example has it.
		writeFileSync(path, unit.replace('/usr/bin/node', process.execPath));
		const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
		return [verified.status, verified.stderr];
	};

	test('is one, as it is and with its keys', () => {
		const unit = example('satchel.service');
		expect(verify(unit)).toEqual([0, '']);
		const withKeys = unit.replace(/^#(?=LoadCredential|Environment)/gm, '');
		expect(withKeys.match(/^LoadCredential=/gm)).toHaveLength(2);
		expect(verify(withKeys)).toEqual([0, '']);
		expect(verify(`${unit}\n[Service]\nRestart=whenever\n`)[1]).not.toBe('');
	});
});

test('the guide names the files that there are', () => {
	const named = [...example('README.md').matchAll(/^\| `([^`]+)` /gm)].map(([, name]) => name ?? '');
	expect(named.length).toBeGreaterThan(4);
	for (const name of named) expect(statSync(join(root, 'relay/deploy', name)).isFile()).toBe(true);
});
