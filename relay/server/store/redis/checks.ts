/** What a person should know of the Redis that a relay starts with: why it cannot be used, and what it should not be like. */
import type { Clock } from '../../clock.js';
import { ConfigError } from '../../config/config-error.js';
import type { Log } from '../../deps.js';
import type { Connection } from './connection.js';
import { lasting, RedisFailure } from './failures.js';

const SKEW_MS = 60_000;

/** For the person who starts the relay. The URL's user and password are not shown. */
export function unreachable(url: string, thrown: unknown): ConfigError {
	const code = thrown instanceof RedisFailure ? thrown.code : 'UNKNOWN';
	const { protocol = 'redis:', host = '' } = URL.canParse(url) ? new URL(url) : {};
	const why = reasons[code] ?? `it cannot be used (${code})`;
	return new ConfigError(
		lasting.has(code) ? 'redis_refused' : 'redis_unreachable',
		[`REDIS_URL=${protocol}//${host}: ${why}`],
		{ cause: thrown },
	);
}

const reasons: Record<string, string> = {
	ECONNREFUSED: 'nobody listens there',
	ENOTFOUND: 'there is no such host',
	EAI_AGAIN: 'there is no such host, or names cannot be looked up now',
	EHOSTUNREACH: 'the host cannot be reached',
	ENETUNREACH: 'the host cannot be reached',
	ETIMEDOUT: 'it does not answer',
	SILENT: 'it does not answer',
	ECONNRESET: 'it closed the connection; is it rediss: that it speaks?',
	OFFLINE: 'it closed the connection; is it rediss: that it speaks?',
	NOAUTH: 'it asks for a password',
	WRONGPASS: 'user name or password are wrong',
	NOPERM: 'its user may not do what a relay does',
	ERR: 'it refused to begin; is the number of the database right?',
};

/** Warns of what loses sessions. A Redis that keeps its configuration to itself is not asked again. */
export async function warnOfConfiguration(commands: Connection, clock: Clock, log: Log): Promise<void> {
	const settings = await commands
		.run((client) => client.configGet(['maxmemory', 'maxmemory-policy', 'appendonly', 'save']))
		.catch(() => null);
	const policy = settings?.['maxmemory-policy'];
	if (policy && policy !== 'noeviction' && settings.maxmemory !== '0') {
		log.warn({ policy }, 'Redis deletes sessions when its memory is full; set maxmemory-policy to noeviction');
	}
	if (settings?.maxmemory === '0') {
		log.warn({}, 'Redis takes memory until the system has none; set maxmemory');
	}
	if (settings?.appendonly === 'no' && settings.save === '') {
		log.warn({}, 'Redis keeps nothing on disk; when it restarts, sessions are lost');
	}
	const time = await commands.run((client) => client.time()).catch(() => null);
	const skewMs = time ? Math.round(Number(time[0]) * 1000 + Number(time[1]) / 1000 - clock.now()) : 0;
	if (Math.abs(skewMs) > SKEW_MS) log.warn({ skewMs }, "Redis' clock and that of this machine differ");
}
