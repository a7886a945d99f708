/** The relay's configuration: typed, with safe defaults, and read from the environment in one place. */
import type { JWK } from 'jose';
import * as v from 'valibot';
import { LIMITS, type Provider } from '../../contract.js';
import { type AssertionKey, publishedKeys, readAssertionKeys, readableByOthers } from '../keys/assertion-keys.js';
import { publicKeys } from '../keys/public-keys.js';
import { ConfigError, readJsonFile } from './config-error.js';
import { environmentProblems } from './config-words.js';
import { readProviders } from './directory.js';
import { isLoopback } from './loopback.js';

export interface RelayConfig {
	/** A host name or address to listen on; `localhost` stands for 127.0.0.1 and ::1. */
	host: string;
	/** 0 takes a free one. */
	port: number;
	dataDir: string;
	/** `redis://` or `rediss://`, possibly with a password: never shown or logged. Null keeps everything in `dataDir`. */
	redisUrl: string | null;
	/** The built app. */
	appDir: string;
	/** The built skill: `SKILL.md` and the script beside it. */
	skillDir: string;
	/** The origin people see, where it is not what the relay listens on (`origin.ts`). HSTS is sent when it is https. */
	baseUrl: string | null;
	providers: readonly Provider[];
	/** Public keys that are published besides those of `assertionKeys`. */
	jwks: { keys: readonly JWK[] };
	/** What client assertions are signed with; their public halves are published. */
	assertionKeys: readonly AssertionKey[];
	/** Assertions one address may ask for in a minute, and that are signed for one client. */
	assertionsPerMinute: number;
	assertionsPerClient: number;
	/** Octets a session may hold, and one part. */
	maxBytes: number;
	partBytes: number;
	/** Origins besides https that the worker may reach: a sandbox EHR on this machine. */
	loopbackConnect: readonly string[];
	/** Sessions one address may make in a minute, and in a day (UTC). */
	sessionsPerMinute: number;
	sessionsPerDay: number;
	/** Uploads under way at a time: of one session, and in this process. */
	uploadsPerSession: number;
	uploads: number;
	/** Octets that must stay free on the disk of `dataDir`: beyond them nothing new is taken. */
	minFreeBytes: number;
	/** Seconds within which a request's headers, and the whole of it, must have arrived. */
	headerSeconds: number;
	bodySeconds: number;
	/** Octets a second, on the average after the first ten seconds, below which a body is given up; also one being read. */
	minRate: number;
	/** Seconds that what is under way has to finish when the relay is told to stop. */
	stopSeconds: number;
	/** Opens `/metrics` to whoever has it; without one only this machine may read them. Never shown or logged. */
	metricsToken: string | null;
	/** Whether a proxy in front sets X-Forwarded-For. */
	trustProxy: boolean;
	/** For the person who starts the relay: what works, and should not stay as it is. */
	warnings: readonly string[];
}

/** The defaults, with what is given in their place. */
export function relayConfig(given: Partial<RelayConfig> = {}): RelayConfig {
	return {
		host: 'localhost',
		port: 8787,
		dataDir: './.data',
		redisUrl: null,
		appDir: 'dist/app',
		skillDir: 'dist/skill',
		baseUrl: null,
		providers: [],
		jwks: { keys: [] },
		assertionKeys: [],
		assertionsPerMinute: 60,
		assertionsPerClient: 600,
		maxBytes: LIMITS.maxBytes,
		partBytes: LIMITS.partBytes,
		loopbackConnect: [],
		sessionsPerMinute: 60,
		sessionsPerDay: 2000,
		uploadsPerSession: 16,
		uploads: 2048,
		minFreeBytes: 512 * 1024 * 1024,
		headerSeconds: 10,
		bodySeconds: 600,
		minRate: 4096,
		stopSeconds: 30,
		metricsToken: null,
		trustProxy: false,
		warnings: [],
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
	v.check((text) => URL.canParse(text), 'must be an origin, such as https://satchel.example'),
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

const redisUrl = v.pipe(
	v.string(),
	v.regex(/^rediss?:\/\/[^/]/, 'must begin with redis:// or rediss:// and a host'),
	v.url('must be a URL'),
);

const token = v.pipe(
	v.string(),
	v.minLength(16, 'must be at least 16 characters'),
	v.regex(/^[\x21-\x7e]+$/, 'must be plain letters, digits and signs, without blanks'),
);

const Environment = v.object({
	PORT: v.optional(integer(0, 65_535)),
	HOST: v.optional(some),
	DATA_DIR: v.optional(some),
	REDIS_URL: v.optional(redisUrl),
	APP_DIR: v.optional(some),
	SKILL_DIR: v.optional(some),
	BASE_URL: v.optional(origin),
	PROVIDERS: v.optional(some),
	JWKS: v.optional(some),
	ASSERTION_KEYS: v.optional(some),
	ASSERTIONS_PER_MINUTE: v.optional(integer(1, 1_000_000)),
	ASSERTIONS_PER_CLIENT: v.optional(integer(1, 1_000_000)),
	MAX_BYTES: v.optional(integer(1, LIMITS.maxBytes)),
	LOOPBACK_CONNECT: v.optional(loopbackOrigins),
	SESSIONS_PER_MINUTE: v.optional(integer(1, 1_000_000)),
	SESSIONS_PER_DAY: v.optional(integer(1, 1_000_000_000)),
	UPLOADS_PER_SESSION: v.optional(integer(1, 1000)),
	UPLOADS: v.optional(integer(1, 1_000_000)),
	MIN_FREE_BYTES: v.optional(integer(0, Number.MAX_SAFE_INTEGER)),
	HEADER_SECONDS: v.optional(integer(1, 300)),
	BODY_SECONDS: v.optional(integer(1, 3600)),
	MIN_RATE: v.optional(integer(1, 1_000_000_000)),
	STOP_SECONDS: v.optional(integer(0, 3600)),
	METRICS_TOKEN: v.optional(token),
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
	const jwks = env.JWKS === undefined ? { keys: [] } : readJwks(env.JWKS);
	const assertionKeys = env.ASSERTION_KEYS === undefined ? [] : readAssertionKeys(env.ASSERTION_KEYS);
	publishedKeys(assertionKeys, jwks.keys);
	const credentials = environment.CREDENTIALS_DIRECTORY;
	const open = env.ASSERTION_KEYS !== undefined && readableByOthers(env.ASSERTION_KEYS, credentials);
	const given: Partial<RelayConfig> = {
		port: env.PORT,
		host: env.HOST,
		dataDir: env.DATA_DIR,
		redisUrl: env.REDIS_URL,
		appDir: env.APP_DIR,
		skillDir: env.SKILL_DIR,
		baseUrl: env.BASE_URL,
		maxBytes: env.MAX_BYTES,
		loopbackConnect: env.LOOPBACK_CONNECT,
		sessionsPerMinute: env.SESSIONS_PER_MINUTE,
		sessionsPerDay: env.SESSIONS_PER_DAY,
		uploadsPerSession: env.UPLOADS_PER_SESSION,
		uploads: env.UPLOADS,
		minFreeBytes: env.MIN_FREE_BYTES,
		headerSeconds: env.HEADER_SECONDS,
		bodySeconds: env.BODY_SECONDS,
		minRate: env.MIN_RATE,
		stopSeconds: env.STOP_SECONDS,
		metricsToken: env.METRICS_TOKEN,
		trustProxy: env.TRUST_PROXY,
		assertionsPerMinute: env.ASSERTIONS_PER_MINUTE,
		assertionsPerClient: env.ASSERTIONS_PER_CLIENT,
		jwks,
		assertionKeys,
		providers:
			env.PROVIDERS === undefined ? undefined : readProviders(env.PROVIDERS, { assertionKeys, jwks: jwks.keys }),
		warnings: open ? ['ASSERTION_KEYS: others can read the file; take the right away with chmod 600'] : [],
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

/** The public keys of a JWK set (RFC 7517). @throws {ConfigError} `jwks_invalid` */
function readJwks(path: string): { keys: JWK[] } {
	const keys = publicKeys(readJsonFile('JWKS', path, 'jwks_invalid'));
	if (!keys) throw new ConfigError('jwks_invalid', [`${path}: is not a JWK set of RSA, EC or OKP keys`]);
	return { keys };
}
