/** A configuration that cannot be used, and the files that one names. */
import { readFileSync } from 'node:fs';

type ConfigErrorCode =
	| 'environment_invalid'
	| 'providers_invalid'
	| 'jwks_invalid'
	| 'assertion_keys_invalid'
	/** Redis is there and does not let this relay in. */
	| 'redis_refused'
	/** It is away, and may be there in a moment. */
	| 'redis_unreachable';

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

/**
 * The JSON of the file that the variable `name` names. Neither error shows any of its content, which may be a key.
 * @throws {ConfigError} `code`
 */
export function readJsonFile(name: string, path: string, code: ConfigErrorCode): unknown {
	try {
		return JSON.parse(readFileSync(path, 'utf8'));
	} catch (cause) {
		if (cause instanceof SyntaxError) throw new ConfigError(code, [`${path}: is not JSON`]);
		throw new ConfigError(code, [`${name}=${path} cannot be read`], { cause });
	}
}
