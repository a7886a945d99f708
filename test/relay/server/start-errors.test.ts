import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RelayConfig, readPort, relayConfig } from '../../../relay/server/config/config.js';
import { ConfigError } from '../../../relay/server/config/config-error.js';
import { startProblems } from '../../../relay/server/config/start-errors.js';
import { startRelay } from '../../../relay/server/serve.js';
import { startSandbox } from '../../sandbox/server.js';
import { temporaryDirectory } from './support.js';

/** What a person reads when the relay is started with `given`. */
async function problemsOf(given: Partial<RelayConfig>) {
	const config = relayConfig({ port: 0, host: '127.0.0.1', dataDir: temporaryDirectory(), ...given });
	try {
		const relay = await startRelay(config);
		onTestFinished(() => relay.close());
	} catch (cause) {
		return startProblems(cause, { portName: 'PORT', ...config });
	}
	throw new Error('the relay started');
}

async function takenPort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	onTestFinished(() => void server.close());
	return (server.address() as AddressInfo).port;
}

describe('a relay that cannot start says in one line', () => {
	test('that its port is taken', async () => {
		const port = await takenPort();
		const lines = [`Port ${port} is taken; set PORT to another one`];
		expect(await problemsOf({ port })).toEqual({ lines, exitCode: 1 });
		expect(await problemsOf({ port, host: 'localhost' })).toEqual({ lines, exitCode: 1 });
	});

	test.each(['no such host', '192.0.2.1'])('that HOST=%s is no address of this machine', async (host) => {
		const lines = [`HOST=${host} is not an address of this machine`];
		expect(await problemsOf({ host })).toEqual({ lines, exitCode: 1 });
	});

	test('which folder cannot hold its data', async () => {
		const dataDir = join(temporaryDirectory(), 'file');
		writeFileSync(dataDir, '');
		expect(await problemsOf({ dataDir })).toEqual({
			lines: [`DATA_DIR=${dataDir} cannot be used: it is not a folder`],
			exitCode: 1,
		});
		const used = temporaryDirectory();
		const first = await startRelay(relayConfig({ port: 0, host: '127.0.0.1', dataDir: used }));
		onTestFinished(() => first.close());
		expect(await problemsOf({ dataDir: used })).toEqual({
			lines: [`DATA_DIR=${used} cannot be used: another relay uses it`],
			exitCode: 1,
		});
		const below = await problemsOf({ dataDir: join(dataDir, 'below') });
		expect(below?.lines[0]).toMatch(/^DATA_DIR=.*below cannot be used: it is, or is inside,/);
	});
});

describe('a sandbox that cannot start says in one line', () => {
	async function sandboxProblems(data: string) {
		const thrown = await startSandbox({ data }).then(
			() => null,
			(cause: unknown) => cause,
		);
		return startProblems(thrown, { portName: 'SANDBOX_PORT', port: 0 });
	}

	test('that SANDBOX_DATA is missing', async () => {
		const lines = ['SANDBOX_DATA=/nowhere/at/all is not a folder that can be read'];
		expect(await sandboxProblems('/nowhere/at/all')).toEqual({ lines, exitCode: 2 });
	});

	test('that SANDBOX_DATA holds no bundle, or a file that is not JSON', async () => {
		const folder = temporaryDirectory();
		mkdirSync(join(folder, 'inside'));
		writeFileSync(join(folder, 'other.json'), '{"resourceType":"Patient","id":"a"}');
		const lines = [`SANDBOX_DATA=${folder} holds no FHIR bundle with a Patient in it`];
		expect(await sandboxProblems(folder)).toEqual({ lines, exitCode: 2 });
		writeFileSync(join(folder, 'broken.json'), '{');
		expect((await sandboxProblems(folder))?.lines).toEqual([
			`SANDBOX_DATA: ${join(folder, 'broken.json')} is not JSON`,
		]);
	});

	test('that its port is taken, or none', async () => {
		const taken = Object.assign(new Error(), { code: 'EADDRINUSE', syscall: 'listen' });
		const lines = ['Port 8788 is taken; set SANDBOX_PORT to another one'];
		expect(startProblems(taken, { portName: 'SANDBOX_PORT', port: 8788 })).toEqual({ lines, exitCode: 1 });
		expect(() => readPort('SANDBOX_PORT', 'abc')).toThrow('SANDBOX_PORT=abc must be a whole number');
	});
});

test('a Redis that is away may come back, one that refuses does not: 1 and 2', () => {
	const exitCode = (code: 'redis_unreachable' | 'redis_refused') =>
		startProblems(new ConfigError(code, ['a line']))?.exitCode;
	expect([exitCode('redis_unreachable'), exitCode('redis_refused')]).toEqual([1, 2]);
});

test('a fault of the program is none of the start mistakes', () => {
	const place = { portName: 'PORT', port: 1, host: 'localhost', dataDir: '/data' };
	expect(startProblems(new TypeError('x is not a function'), place)).toBeNull();
	expect(startProblems('text', place)).toBeNull();
});
