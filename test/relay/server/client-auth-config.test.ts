import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { configFromEnvironment } from '../../../relay/server/config/config.js';
import { makeEcKey, makeRsaKey, publicHalves } from '../../../relay/server/keys/keygen/make.js';
import { configErrorOf, file } from './support.js';

const TOKEN = 'https://a.example/token';
let rsa: JWK;
let ec: JWK;
let other: JWK;
let ec2: JWK;
beforeAll(async () => {
	[rsa, ec, other, ec2] = await Promise.all([makeRsaKey(2048), makeEcKey(), makeRsaKey(2048), makeEcKey()]);
});

const provider = (clientAuth: unknown) => ({
	id: 'a',
	name: 'A',
	fhirBaseUrl: 'https://a.example/fhir',
	clientId: 'c',
	clientAuth,
});
const directory = (clientAuth: unknown) => file({ providers: [provider(clientAuth)] });
const jwk = (kind: 'rsa' | 'ec', option: object) =>
	generateKeyPairSync(kind as 'rsa', option as { modulusLength: number }).privateKey.export({ format: 'jwk' });

describe('ASSERTION_KEYS', () => {
	test("names a private JWK set, whose file is its owner's alone", () => {
		const path = file({ keys: [ec, rsa] });
		chmodSync(path, 0o600);
		const config = configFromEnvironment({
			ASSERTION_KEYS: path,
			PROVIDERS: directory({ method: 'relay-signed', tokenEndpoint: TOKEN }),
		});
		expect(config.assertionKeys.map(({ kid, alg }) => [kid, alg])).toEqual([
			[ec.kid, 'ES384'],
			[rsa.kid, 'RS384'],
		]);
		expect(config.warnings).toEqual([]);
	});

	test.each([0o640, 0o604])('is warned about with mode %o', (mode) => {
		const path = file({ keys: [ec] });
		chmodSync(path, mode);
		const { warnings } = configFromEnvironment({ ASSERTION_KEYS: path });
		expect(warnings).toEqual(['ASSERTION_KEYS: others can read the file; take the right away with chmod 600']);
		// The mode of a file that systemd hands over is that of its access list.
		const handed = { ASSERTION_KEYS: path, CREDENTIALS_DIRECTORY: dirname(path) };
		expect(configFromEnvironment(handed).warnings).toEqual([]);
	});

	test.each<[string, () => unknown]>([
		['is neither an RSA nor an EC key', () => ({ kty: 'oct', k: 'c2VjcmV0', kid: 'k' })],
		['is neither an RSA nor an EC key', () => ({ kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'd', kid: 'k' })],
		['is on another curve than P-384, the one of ES384', () => ({ ...jwk('ec', { namedCurve: 'P-256' }), kid: 'k' })],
		['has no kid', () => ({ ...rsa, kid: undefined })],
		['has no kid', () => ({ ...rsa, kid: '' })],
		['has a kid longer than 200 characters', () => ({ ...rsa, kid: 'k'.repeat(201) })],
		['has another alg than RS384', () => ({ ...rsa, alg: 'RS256' })],
		['has another alg than ES384', () => ({ ...ec, alg: 'ES256' })],
		['has no private part', () => publicHalves([rsa])[0]],
		['cannot be read as a key', () => ({ ...rsa, e: undefined })],
		['does not belong to its own public part', () => ({ ...rsa, n: other.n })],
		['does not belong to its own public part', () => ({ ...ec, d: ec2.d })],
		['is shorter than 2048 bits', () => ({ ...jwk('rsa', { modulusLength: 1024 }), kid: 'k' })],
		['has an nbf that is not a time in seconds', () => ({ ...rsa, nbf: 'tomorrow' })],
		['is not a JWK', () => 'key'],
	])('is refused with a key that %s', (problem, bad) => {
		const path = file({ keys: [ec, bad()] });
		const error = configErrorOf({ ASSERTION_KEYS: path });
		expect(error.code).toBe('assertion_keys_invalid');
		expect(error.problems).toEqual([`${path}: keys.1 ${problem}`]);
	});

	test('is refused with a kid that occurs twice', () => {
		const path = file({ keys: [rsa, { ...other, kid: rsa.kid }] });
		expect(configErrorOf({ ASSERTION_KEYS: path }).problems).toEqual([`${path}: keys.1 has a kid that occurs twice`]);
	});

	test('is told everything that is wrong at once, and no key is shown', () => {
		const error = configErrorOf({
			ASSERTION_KEYS: file({
				keys: [
					{ ...rsa, kid: '' },
					{ ...ec, alg: 'x' },
				],
			}),
		});
		expect(error.problems).toHaveLength(2);
		expect(error.message).not.toContain(rsa.d!.slice(0, 12));
	});

	test.each([['{'], [{ keys: [] }], [{ keys: {} }], [[]]])('is refused as %j', (content) => {
		expect(configErrorOf({ ASSERTION_KEYS: file(content) }).code).toBe('assertion_keys_invalid');
	});

	test('that cannot be read as JSON does not appear in the error, nor in its cause', () => {
		const error = configErrorOf({ ASSERTION_KEYS: file('private-secret') });
		expect(`${error.stack} ${String(error.cause)}`).not.toContain('private-secret');
	});

	test('and JWKS may share a key, but not a name for two of them', () => {
		const keys = file({ keys: [rsa] });
		expect(configFromEnvironment({ ASSERTION_KEYS: keys, JWKS: keys }).jwks.keys).toHaveLength(1);
		const named = { ASSERTION_KEYS: keys, JWKS: file({ keys: [{ ...other, kid: rsa.kid }] }) };
		expect(configErrorOf(named).problems).toEqual([`JWKS: two different keys have the kid ${rsa.kid}`]);
	});
});

describe('clientAuth in the provider file', () => {
	test('takes each of the four', () => {
		const keys = file({ keys: [other] });
		const all = [
			{ method: 'none' },
			{ method: 'embedded-key', key: rsa },
			{ method: 'embedded-key', key: ec },
			{ method: 'relay-signed', tokenEndpoint: 'http://localhost:8788/token' },
			{ method: 'device-key' },
		];
		const path = file({ providers: all.map((clientAuth, at) => ({ ...provider(clientAuth), id: `p${at}` })) });
		const { providers } = configFromEnvironment({ PROVIDERS: path, ASSERTION_KEYS: keys });
		expect(providers.map(({ clientAuth }) => clientAuth)).toEqual(all);
	});

	test('is in the README as the relay reads it', () => {
		const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
		const example: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)![1]!);
		const env = { PROVIDERS: file(example), ASSERTION_KEYS: file({ keys: [other] }) };
		expect({ providers: configFromEnvironment(env).providers }).toEqual(example);
	});

	test('is refused with what belongs to another strategy: a key there may be a secret', () => {
		const path = directory({ method: 'none', key: rsa });
		expect(configErrorOf({ PROVIDERS: path }).problems).toEqual([`${path}: providers.0.clientAuth.key is not known`]);
	});

	test.each<[string, () => unknown]>([
		['clientAuth must be an object', () => 'none'],
		['clientAuth.method is missing', () => ({})],
		['clientAuth.method must be none, embedded-key, relay-signed or device-key', () => ({ method: 'secret' })],
		['clientAuth.tokenEndpoint is missing', () => ({ method: 'relay-signed' })],
		['clientAuth.tokenEndpoint is not a URL', () => ({ method: 'relay-signed', tokenEndpoint: 'a.example' })],
		['clientAuth.key is missing', () => ({ method: 'embedded-key' })],
		['clientAuth.key.kty must be RSA or EC', () => ({ method: 'embedded-key', key: { ...rsa, kty: 'oct' } })],
		['clientAuth.key.kid is missing', () => ({ method: 'embedded-key', key: { ...rsa, kid: undefined } })],
		['clientAuth.key has no private part', () => ({ method: 'embedded-key', key: publicHalves([rsa])[0] })],
		[
			'clientAuth.key is on another curve than P-384, the one of ES384',
			() => ({ method: 'embedded-key', key: { ...jwk('ec', { namedCurve: 'P-256' }), kid: 'k' } }),
		],
		[
			'clientAuth.key is shorter than 2048 bits',
			() => ({ method: 'embedded-key', key: { ...jwk('rsa', { modulusLength: 1024 }), kid: 'k' } }),
		],
		[
			'clientAuth.tokenEndpoint is http, which is for this machine only; must begin with https://',
			() => ({ method: 'relay-signed', tokenEndpoint: 'http://a.example/token' }),
		],
		[
			'clientAuth.tokenEndpoint must begin with https://',
			() => ({ method: 'relay-signed', tokenEndpoint: 'ftp://a.example' }),
		],
		[
			'clientAuth.key is also in ASSERTION_KEYS: the directory would give the key of this relay to everybody',
			() => ({ method: 'embedded-key', key: { ...other, kid: 'under another name' } }),
		],
	])('is told where it is wrong: %s', (problem, clientAuth) => {
		const path = directory(clientAuth());
		const error = configErrorOf({ PROVIDERS: path, ASSERTION_KEYS: file({ keys: [other] }) });
		expect(error.code).toBe('providers_invalid');
		expect(error.problems).toEqual([`${path}: providers.0.${problem}`]);
	});

	test('is refused as relay-signed without a key to sign with', () => {
		const path = directory({ method: 'relay-signed', tokenEndpoint: TOKEN });
		expect(configErrorOf({ PROVIDERS: path }).problems).toEqual([
			`${path}: providers.0.clientAuth is relay-signed, and there are no ASSERTION_KEYS to sign with (npm run keys makes them)`,
		]);
	});

	test('never puts an embedded key into the set that relay-signed clients are registered with', () => {
		const path = directory({ method: 'embedded-key', key: rsa });
		const env = { PROVIDERS: path, JWKS: file({ keys: [rsa] }) };
		const problem = 'is also in JWKS: whoever reads the directory could sign for the relay-signed clients';
		expect(configFromEnvironment(env).jwks.keys).toHaveLength(1);
		expect(configErrorOf({ ...env, ASSERTION_KEYS: file({ keys: [other] }) }).problems).toEqual([
			`${path}: providers.0.clientAuth.key ${problem}`,
		]);
	});
});
