/** The relay's configuration: typed, with safe defaults, and read from the environment in one place. */
import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import * as v from 'valibot';
import { LIMITS, type Provider, Providers } from '../contract.js';
import { environmentProblems, fileProblems } from './config-words.js';
import { publicKeys } from './keys.js';

export interface RelayConfig {
	/** A host name or address to listen on; `localhost` stands for 127.0.0.1 and ::1. */
	host: string;
	/** 0 takes a free one. */
	port: number;
	dataDir: string;
	/** The built app. */
	appDir: string;
	/** The origin people see, when it is not `http://localhost:PORT`. HSTS is sent when it is https. */
	baseUrl: string | null;
	providers: readonly Provider[];
	/** Public keys only. */
	jwks: { keys: readonly JWK[] };
	/** Octets a session may hold, and one part. */
	maxBytes: number;
	partBytes: number;
	/** Origins besides https that the worker may reach: a sandbox EHR on this machine. */
	loopbackConnect: readonly string[];
	/** Sessions one address may make in a minute. */
	sessionsPerMinute: number;
	/** Whether a proxy in front sets X-Forwarded-For. */
	trustProxy: boolean;
}

export type ConfigErrorCode = 'environment_invalid' | 'providers_invalid' | 'jwks_invalid';

export class ConfigError extends Error {
	override name = 'ConfigError';
	constructor(
		readonly code: ConfigErrorCode,
		/** For the person who starts the relay: what is wrong where. */
		readonly problems: string[],
		options?: { cause: unknown },
	) {
		super(`${code}: ${problems.join('; ')}`, options);
	}
}

/** The defaults, with what is given in their place. */
export function relayConfig(given: Partial<RelayConfig> = {}): RelayConfig {
	return {
		host: 'localhost',
		port: 8787,
		dataDir: './.data',
		appDir: 'dist/app',
		baseUrl: null,
		providers: [],
		jwks: { keys: [] },
		maxBytes: LIMITS.maxBytes,
		partBytes: LIMITS.partBytes,
		loopbackConnect: [],
		sessionsPerMinute: 60,
		trustProxy: false,
		...given,
	};
}

const integer = (min: number, max: number) =>
	v.pipe(
		v.string(),
		v.regex(/^\d{1,15}$/, 'must be a whole number'),
		v.transform(Number),
		v.minValue(min, `must be at least ${min}`),
		v.maxValue(max, `must be at most ${max}`),
	);

/** `https://host[:port]`, or http for this machine; without a path. */
const origin = v.pipe(
	v.string(),
	v.check((text) => URL.canParse(text), 'must be a URL'),
	v.transform((text) => new URL(text)),
	v.check(
		(url) => url.pathname === '/' && !url.search && !url.hash && !url.username,
		'must be an origin, without a path',
	),
	v.check((url) => url.protocol === 'https:' || isLoopback(url), 'must be https, unless it is on this machine'),
	v.transform((url) => url.origin),
);

const loopbackOrigins = v.pipe(
	v.string(),
	v.transform((text) => text.split(/[\s,]+/).filter(Boolean)),
	v.array(origin),
	v.check((origins) => origins.every((text) => isLoopback(new URL(text))), 'must be origins on this machine'),
);

const some = v.pipe(v.string(), v.minLength(1));

const Environment = v.object({
	PORT: v.optional(integer(0, 65_535)),
	HOST: v.optional(some),
	DATA_DIR: v.optional(some),
	APP_DIR: v.optional(some),
	BASE_URL: v.optional(origin),
	PROVIDERS: v.optional(some),
	JWKS: v.optional(some),
	MAX_BYTES: v.optional(integer(1, LIMITS.maxBytes)),
	LOOPBACK_CONNECT: v.optional(loopbackOrigins),
	SESSIONS_PER_MINUTE: v.optional(integer(1, 1_000_000)),
	TRUST_PROXY: v.optional(
		v.pipe(
			v.picklist(['0', '1'], 'must be 0 or 1'),
			v.transform((text) => text === '1'),
		),
	),
});

/**
 * Reads the environment and the files it names. An empty variable counts as absent.
 * @throws {ConfigError}
 */
export function configFromEnvironment(environment: Record<string, string | undefined>): RelayConfig {
	const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
	const parsed = v.safeParse(Environment, present);
	if (!parsed.success) throw new ConfigError('environment_invalid', environmentProblems(parsed.issues, present));
	const env = parsed.output;
	const given: Partial<RelayConfig> = {
		port: env.PORT,
		host: env.HOST,
		dataDir: env.DATA_DIR,
		appDir: env.APP_DIR,
		baseUrl: env.BASE_URL,
		maxBytes: env.MAX_BYTES,
		loopbackConnect: env.LOOPBACK_CONNECT,
		sessionsPerMinute: env.SESSIONS_PER_MINUTE,
		trustProxy: env.TRUST_PROXY,
		providers: env.PROVIDERS === undefined ? undefined : readProviders(env.PROVIDERS),
		jwks: env.JWKS === undefined ? undefined : readJwks(env.JWKS),
	};
	return relayConfig(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
}

/**
 * A port that another variable than PORT gives.
 * @throws {ConfigError} `environment_invalid`
 */
export function readPort(name: string, text: string): number {
	const parsed = v.safeParse(v.object({ [name]: integer(0, 65_535) }), { [name]: text });
	if (!parsed.success)
		throw new ConfigError('environment_invalid', environmentProblems(parsed.issues, { [name]: text }));
	return Number(text);
}

/**
 * The provider directory of a JSON file. Records travel from the FHIR servers it names: https, or this machine.
 * @throws {ConfigError} `providers_invalid`
 */
export function readProviders(path: string): Provider[] {
	const parsed = v.safeParse(Providers, readJsonFile('PROVIDERS', path, 'providers_invalid'));
	if (!parsed.success) throw new ConfigError('providers_invalid', fileProblems(parsed.issues, path));
	const { providers } = parsed.output;
	const problems: string[] = [];
	for (const [at, { id, fhirBaseUrl }] of providers.entries()) {
		const where = `${path}: providers.${at}`;
		if (providers.findIndex((other) => other.id === id) !== at) problems.push(`${where}.id ${id} occurs twice`);
		const url = new URL(fhirBaseUrl);
		if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) continue;
		const reason = url.protocol === 'http:' ? 'is http, which is for this machine only; ' : '';
		problems.push(`${where}.fhirBaseUrl ${reason}must begin with https://`);
	}
	if (problems.length) throw new ConfigError('providers_invalid', problems);
	return providers;
}

/** The public keys of a JWK set (RFC 7517). @throws {ConfigError} `jwks_invalid` */
export function readJwks(path: string): { keys: JWK[] } {
	const keys = publicKeys(readJsonFile('JWKS', path, 'jwks_invalid'));
	if (!keys) throw new ConfigError('jwks_invalid', [`${path}: is not a JWK set of RSA, EC or OKP keys`]);
	return { keys };
}

function readJsonFile(name: string, path: string, code: ConfigErrorCode): unknown {
	try {
		return JSON.parse(readFileSync(path, 'utf8'));
	} catch (cause) {
		const problem = cause instanceof SyntaxError ? `${path}: is not JSON` : `${name}=${path} cannot be read`;
		throw new ConfigError(code, [problem], { cause });
	}
}

function isLoopback({ hostname }: URL): boolean {
	return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
