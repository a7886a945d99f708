import { generateKeyPairSync } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../relay/contract.js';
import { configFromEnvironment, relayConfig } from '../../../relay/server/config/config.js';
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
			REDIS_URL: 'rediss://user:secret@redis.example:6380/1',
			SKILL_DIR: '/skill',
			APP_DIR: '/app',
			BASE_URL: 'https://satchel.example/',
			PROVIDERS: file({ providers: [provider] }),
			JWKS: file({ keys: [] }),
			MAX_BYTES: '1000',
			LOOPBACK_CONNECT: 'http://localhost:8788, http://127.0.0.1:9999',
			SESSIONS_PER_MINUTE: '5',
			SESSIONS_PER_DAY: '50',
			UPLOADS_PER_SESSION: '8',
			UPLOADS: '9',
			MIN_FREE_BYTES: '0',
			HEADER_SECONDS: '11',
			BODY_SECONDS: '12',
			MIN_RATE: '13',
			STOP_SECONDS: '0',
			METRICS_TOKEN: 'a-token-of-sixteen',
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
			redisUrl: 'rediss://user:secret@redis.example:6380/1',
			skillDir: '/skill',
			appDir: '/app',
			baseUrl: 'https://satchel.example',
			providers: [provider],
			jwks: { keys: [] },
			maxBytes: 1000,
			partBytes: LIMITS.partBytes,
			loopbackConnect: ['http://localhost:8788', 'http://127.0.0.1:9999'],
			sessionsPerMinute: 5,
			sessionsPerDay: 50,
			uploadsPerSession: 8,
			uploads: 9,
			minFreeBytes: 0,
			headerSeconds: 11,
			bodySeconds: 12,
			minRate: 13,
			stopSeconds: 0,
			metricsToken: 'a-token-of-sixteen',
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
		['SESSIONS_PER_DAY', '0'],
		['UPLOADS_PER_SESSION', '0'],
		['UPLOADS', 'many'],
		['MIN_FREE_BYTES', '1GB'],
		['HEADER_SECONDS', '0'],
		['BODY_SECONDS', '3601'],
		['MIN_RATE', '0'],
		['STOP_SECONDS', '-1'],
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

	test.each([
		['REDIS_URL', 'redis.example:secret', 'must begin with redis:// or rediss:// and a host'],
		['REDIS_URL', 'http://user:secret@redis.example', 'must begin with redis:// or rediss:// and a host'],
		['REDIS_URL', 'redis://user:sec/ret@redis.example:x', 'must be a URL'],
		['METRICS_TOKEN', 'secret', 'must be at least 16 characters'],
		['METRICS_TOKEN', 'secret secret secret', 'must be plain letters, digits and signs, without blanks'],
	])('is never shown anything of %s=%s', (name, value, reason) => {
		expect(errorOf({ [name]: value }).problems).toEqual([`${name} ${reason}`]);
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

	test.each([
		[{ clientAuht: { method: 'device-key' } }, 'clientAuht is not known'],
		[{ clientAuth: { method: 'device-key', key: 'x' } }, 'clientAuth.key is not known'],
	])('is told what nobody knows, which would go unheeded: %j', (change, problem) => {
		const path = file({ providers: [{ ...provider, ...change }] });
		expect(errorOf({ PROVIDERS: path }).problems).toEqual([`${path}: providers.0.${problem}`]);
	});

	test('is told everything that is wrong at once, of whatever kind', () => {
		const path = file({
			provider: [],
			providers: [
				provider,
				{ ...provider, clientId: undefined, scopes: 'x' },
				{ ...provider, fhirBaseUrl: 'ftp://b.example' },
				7,
			],
		});
		expect(errorOf({ PROVIDERS: path }).problems).toEqual(
			[
				'provider is not known',
				'providers.1.scopes is not known',
				'providers.1.clientId is missing',
				'providers.2.id a occurs twice',
				'providers.2.fhirBaseUrl must begin with https://',
				'providers.3 must be an object',
			].map((problem) => `${path}: ${problem}`),
		);
	});

	test.each([[[]], [{}], [{ providers: {} }]])('is refused as a whole when it is %j', (content) => {
		const [problem, ...others] = errorOf({ PROVIDERS: file(content) }).problems;
		expect(problem).toMatch(/: (providers (is missing|must be a list)|the whole must be an object)$/);
		expect(others).toEqual([]);
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
