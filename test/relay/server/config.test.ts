import { generateKeyPairSync } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../relay/contract.js';
import { configFromEnvironment, relayConfig } from '../../../relay/server/config.js';
import { configErrorOf as errorOf, file } from './support.js';

describe('the environment', () => {
	test('may be empty: then only this machine is served', () => {
		expect(configFromEnvironment({})).toEqual(relayConfig());
		expect(configFromEnvironment({ PORT: '', BASE_URL: '' })).toEqual(relayConfig());
		expect(relayConfig()).toMatchObject({ host: 'localhost', port: 8787, maxBytes: LIMITS.maxBytes, baseUrl: null });
	});

	test('sets everything', () => {
		const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
		const keys = file({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'ours' }] });
		chmodSync(keys, 0o600);
		const provider = { id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c' };
		const config = configFromEnvironment({
			PORT: '9000',
			HOST: '0.0.0.0',
			DATA_DIR: '/data',
			APP_DIR: '/app',
			BASE_URL: 'https://satchel.example/',
			PROVIDERS: file({ providers: [provider] }),
			JWKS: file({ keys: [] }),
			MAX_BYTES: '1000',
			LOOPBACK_CONNECT: 'http://localhost:8788, http://127.0.0.1:9999',
			SESSIONS_PER_MINUTE: '5',
			ASSERTION_KEYS: keys,
			ASSERTIONS_PER_MINUTE: '6',
			ASSERTIONS_PER_CLIENT: '7',
			TRUST_PROXY: '1',
			HOME: '/root',
		});
		expect(config.assertionKeys).toMatchObject([{ kid: 'ours', alg: 'ES384' }]);
		expect({ ...config, assertionKeys: [] }).toEqual({
			port: 9000,
			host: '0.0.0.0',
			dataDir: '/data',
			appDir: '/app',
			baseUrl: 'https://satchel.example',
			providers: [provider],
			jwks: { keys: [] },
			maxBytes: 1000,
			partBytes: LIMITS.partBytes,
			loopbackConnect: ['http://localhost:8788', 'http://127.0.0.1:9999'],
			sessionsPerMinute: 5,
			assertionKeys: [],
			assertionsPerMinute: 6,
			assertionsPerClient: 7,
			trustProxy: true,
			warnings: [],
		});
	});

	test.each([
		['PORT', 'eighty'],
		['PORT', '65536'],
		['PORT', '-1'],
		['BASE_URL', 'satchel.example'],
		['BASE_URL', 'http://satchel.example'],
		['BASE_URL', 'https://satchel.example/app'],
		['MAX_BYTES', '0'],
		['MAX_BYTES', String(LIMITS.maxBytes + 1)],
		['LOOPBACK_CONNECT', 'https://ehr.example'],
		['LOOPBACK_CONNECT', "http://localhost:1; script-src 'unsafe-inline'"],
		['TRUST_PROXY', 'yes'],
	])('is refused with %s=%s, by name', (name, value) => {
		const error = errorOf({ [name]: value });
		expect(error.code).toBe('environment_invalid');
		expect(error.problems).not.toEqual([]);
		for (const problem of error.problems) expect(problem).toMatch(new RegExp(`^${name}=.`));
		expect(error.problems[0]).toContain(value);
	});

	test('is never shown the password of a URL', () => {
		const [problem] = errorOf({ BASE_URL: 'https://me:secret@satchel.example' }).problems;
		expect(problem).toBe('BASE_URL=https://…@satchel.example must be an origin, without a path');
	});

	test('is told everything that is wrong at once', () => {
		expect(errorOf({ PORT: 'x', MAX_BYTES: 'y' }).problems).toHaveLength(2);
	});
});

describe('the provider file', () => {
	const provider = { id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c' };

	test.each([
		['is missing', '/nowhere/providers.json'],
		['is not JSON', '{'],
		['has another shape', { providers: [{ ...provider, fhirBaseUrl: 'not a url' }] }],
		['has an id twice', { providers: [provider, provider] }],
	])('is refused when it %s', (_, content) => {
		const path = typeof content === 'string' && content.startsWith('/') ? content : file(content);
		expect(errorOf({ PROVIDERS: path }).code).toBe('providers_invalid');
	});

	test.each([
		[{ clientId: undefined }, 'clientId is missing'],
		[{ name: 7 }, 'name must be a text'],
		[{ aliases: 'B' }, 'aliases must be a list'],
		[{ clientId: '' }, 'clientId is empty'],
		[{ id: 'a' }, 'id a occurs twice'],
		[{ fhirBaseUrl: 'b.example' }, 'fhirBaseUrl is not a URL'],
		[{ fhirBaseUrl: 'ftp://b.example' }, 'fhirBaseUrl must begin with https://'],
		[
			{ fhirBaseUrl: 'http://b.example/fhir' },
			'fhirBaseUrl is http, which is for this machine only; must begin with https://',
		],
	])('is told where it is wrong: %j', (change, problem) => {
		const path = file({ providers: [provider, { ...provider, id: 'b', ...change }] });
		expect(errorOf({ PROVIDERS: path }).problems).toEqual([`${path}: providers.1.${problem}`]);
	});

	test('may name a FHIR server on this machine by http', () => {
		const local = { ...provider, fhirBaseUrl: 'http://localhost:8080/fhir' };
		expect(configFromEnvironment({ PROVIDERS: file({ providers: [local] }) }).providers).toEqual([local]);
	});
});

describe('the key file', () => {
	test('is published without any private member, RSA first', async () => {
		const pairs = [
			await generateKeyPair('ES384', { extractable: true }),
			await generateKeyPair('RS384', { extractable: true }),
			await generateKeyPair('EdDSA', { extractable: true }),
		];
		const secret = await Promise.all(pairs.map(async ({ privateKey }) => exportJWK(privateKey)));
		const open = await Promise.all(pairs.map(async ({ publicKey }) => exportJWK(publicKey)));
		const set = { keys: secret.map((key, at) => ({ ...key, kid: `key-${at}`, use: 'sig', note: 'internal' })) };
		expect(configFromEnvironment({ JWKS: file(set) }).jwks.keys).toEqual(
			[1, 0, 2].map((at) => ({ ...open[at], kid: `key-${at}`, use: 'sig' })),
		);
	});

	test.each(['{', { keys: [{ kty: 'oct', k: 'secret' }] }, { keys: {} }, []])('is refused as %j', (content) => {
		expect(errorOf({ JWKS: file(content) }).code).toBe('jwks_invalid');
	});
});
