import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Provider, routes } from '../../../relay/contract.js';
import { configFromEnvironment } from '../../../relay/server/config/config.js';
import { help, runKeys } from '../../../relay/server/keys/keygen/command.js';
import { file, ORIGIN, setUp, temporaryDirectory } from './support.js';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY = 86_400;
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

const read = <T = { keys: (JWK & { nbf?: number })[] }>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T;
const modeOf = (path: string) => statSync(path).mode & 0o777;
const run = (out: string, ...more: string[]) => runKeys(['--out', out, '--bits', '2048', ...more], NOW);

function filesIn(out: string) {
	return { secret: join(out, 'assertion-keys.json'), open: join(out, 'assertion-keys.public.json') };
}

describe('npm run keys', () => {
	test('makes an RSA and a P-384 key that the relay signs with', async () => {
		const out = join(temporaryDirectory(), 'new', 'keys');
		const { exitCode, stdout, stderr } = await run(out);
		expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
		const { secret, open } = filesIn(out);
		expect(read(secret).keys.map(({ kty, crv, alg, use }) => [kty, crv, alg, use])).toEqual([
			['RSA', undefined, 'RS384', 'sig'],
			['EC', 'P-384', 'ES384', 'sig'],
		]);
		expect(Buffer.from(read(secret).keys[0]!.n!, 'base64url')).toHaveLength(256);
		for (const key of read(open).keys) for (const member of SECRET) expect(key).not.toHaveProperty(member);
		expect([modeOf(out), modeOf(secret)]).toEqual([0o700, 0o600]);

		const tokenEndpoint = 'https://a.example/token';
		const entry = { id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c' };
		const signed = { ...entry, clientAuth: { method: 'relay-signed', tokenEndpoint } };
		const env = { ASSERTION_KEYS: secret, PROVIDERS: file({ providers: [signed] }) };
		const { providers, assertionKeys, warnings } = configFromEnvironment(env);
		expect(warnings).toEqual([]);
		const { call } = await setUp({ providers, assertionKeys });
		const served = await (await call('GET', routes.jwks)).json();
		expect(served).toEqual(read(open));
		const json = { clientId: 'c', tokenEndpoint };
		expect((await call('POST', routes.assertions, { json, headers: { Origin: ORIGIN } })).status).toBe(200);
		expect(stdout).toContain(secret);
		expect(stdout).toContain(open);
	});

	test('makes an RSA key of 3072 bits unless told otherwise', async () => {
		const out = temporaryDirectory();
		expect((await runKeys(['--out', out], NOW)).exitCode).toBe(0);
		expect(Buffer.from(read(filesIn(out).secret).keys[0]!.n!, 'base64url')).toHaveLength(384);
	});

	test.each(['assertion-keys.json', 'assertion-keys.public.json'])('replaces no %s that is there', async (name) => {
		const out = temporaryDirectory();
		writeFileSync(join(out, name), 'precious');
		const { exitCode, stderr } = await run(out);
		expect(exitCode).toBe(1);
		expect(stderr).toBe(`${join(out, name)} exists already: use --rotate, or take another --out\n`);
		expect(readFileSync(join(out, name), 'utf8')).toBe('precious');
		expect(readdirSync(out)).toEqual([name]);
	});

	test('prints no part of a private key, whatever it does', async () => {
		const out = temporaryDirectory();
		const said = [await run(out), await run(out), await run(out, '--rotate'), await run(out, '--embedded')];
		const text = JSON.stringify(said);
		const keys = [
			...read(filesIn(out).secret).keys,
			read<{ clientAuth: { key: JWK } }>(join(out, 'embedded-key.json')).clientAuth.key,
		];
		expect(keys).toHaveLength(5);
		for (const key of keys) for (const member of SECRET) if (key[member]) expect(text).not.toContain(key[member]);
	});

	test.each([
		[[], '--out is missing: where shall the files go?'],
		[['--out', 'x', '--bits', '1024'], '--bits must be 2048 or 3072'],
		[['--out', 'x', '--rotate', '--embedded'], '--rotate is for the keys of the relay'],
		[['--out', 'x', '--force'], "Unknown option '--force'"],
		[['--out'], "Option '--out <value>' argument missing"],
	])('explains what is wrong with %j', async (argv, words) => {
		const { exitCode, stdout, stderr } = await runKeys(argv, NOW);
		expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
		expect(stderr).toContain(words);
		expect(existsSync('x')).toBe(false);
	});

	test('says what cannot be written', async () => {
		const { exitCode, stderr } = await run(join(file('a file'), 'keys'));
		expect(exitCode).toBe(1);
		expect(stderr).toMatch(/cannot be written \(ENOTDIR\)\n$/);
	});

	test('explains itself', async () => {
		expect(await runKeys(['--help'], NOW)).toEqual({ exitCode: 0, stdout: help, stderr: '' });
	});
});

describe('--rotate', () => {
	let out: string;
	let first: JWK[];

	async function made() {
		out = temporaryDirectory();
		await run(out);
		first = read(filesIn(out).secret).keys;
	}
	const rotate = (seconds: number) => runKeys(['--out', out, '--bits', '2048', '--rotate'], NOW + seconds * 1000);
	const kids = (path: string) => read(path).keys.map(({ kid }) => kid);

	test('puts keys that sign in a day beside those that sign now, RSA first', async () => {
		await made();
		expect((await rotate(0)).exitCode).toBe(0);
		const { secret, open } = filesIn(out);
		const { keys } = read(secret);
		expect(keys.map(({ alg, nbf }) => [alg, nbf])).toEqual([
			['RS384', NOW / 1000 + DAY],
			['RS384', undefined],
			['ES384', NOW / 1000 + DAY],
			['ES384', undefined],
		]);
		expect([keys[1], keys[3]]).toEqual(first);
		expect(kids(open)).toEqual(kids(secret));
		for (const key of read(open).keys) for (const member of SECRET) expect(key).not.toHaveProperty(member);
		expect(modeOf(secret)).toBe(0o600);
		expect(readdirSync(out)).toHaveLength(2);
	});

	test('drops what an earlier rotation has replaced, once the new keys sign', async () => {
		await made();
		await rotate(0);
		await rotate(DAY - 1);
		expect(kids(filesIn(out).secret)).toHaveLength(6);
		await rotate(DAY);
		const left = kids(filesIn(out).secret);
		expect(left).toHaveLength(6);
		for (const { kid } of first) expect(left).not.toContain(kid);
	});

	test('needs keys to begin with, and leaves those alone that it cannot read', async () => {
		out = temporaryDirectory();
		const none = await rotate(0);
		expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cannot be read') });
		expect(readdirSync(out)).toEqual([]);
		writeFileSync(filesIn(out).secret, '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}');
		const odd = await rotate(0);
		expect(odd.stderr).toBe(`${filesIn(out).secret}: keys.0 is neither an RSA nor an EC key\n`);
		expect(readFileSync(filesIn(out).secret, 'utf8')).toContain('c2VjcmV0');
	});
});

describe('--embedded', () => {
	test('makes the clientAuth of an entry, which the directory takes as it is', async () => {
		const out = temporaryDirectory();
		mkdirSync(out, { recursive: true });
		const { exitCode, stdout } = await run(out, '--embedded');
		expect(exitCode).toBe(0);
		expect(stdout).toContain('proves nothing');
		const { clientAuth } = read<Pick<Provider, 'clientAuth'>>(join(out, 'embedded-key.json'));
		const entry = { id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c', clientAuth };
		const { providers } = configFromEnvironment({ PROVIDERS: file({ providers: [entry] }) });
		expect(providers).toEqual([entry]);
		const [open] = read(join(out, 'embedded-key.public.json')).keys;
		expect(open).toMatchObject({ kty: 'RSA', alg: 'RS384', kid: (clientAuth as { key: JWK }).key.kid });
		for (const member of SECRET) expect(open).not.toHaveProperty(member);
		expect((await run(out, '--embedded')).stderr).toContain('exists already: take another --out');
	});
});
