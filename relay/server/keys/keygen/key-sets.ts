/** Key sets on disk: the private one for its owner alone, the public one to register. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { readJsonFile } from '../../config/config-error.js';
import { type AssertionKey, readAssertionKeys } from '../assertion-keys.js';
import { rsaFirst } from '../public-keys.js';
import { makeEcKey, makeRsaKey, publicHalves, type RsaBits } from './make.js';

/** A new key is published this long before it signs: servers keep the set they fetched for hours. Seconds. */
const ANNOUNCED = 24 * 60 * 60;

export interface Written {
	privatePath: string;
	publicPath: string;
}

export class KeysExist extends Error {
	override name = 'KeysExist';
	constructor(readonly path: string) {
		super('there are keys already');
	}
}

const relayFiles = (directory: string): Written => ({
	privatePath: join(directory, 'assertion-keys.json'),
	publicPath: join(directory, 'assertion-keys.public.json'),
});
const embeddedFiles = (directory: string): Written => ({
	privatePath: join(directory, 'embedded-key.json'),
	publicPath: join(directory, 'embedded-key.public.json'),
});

/** A set for ASSERTION_KEYS: RSA first, then P-384. @throws {KeysExist} rather than replace one */
export async function makeRelayKeys(directory: string, bits: RsaBits): Promise<Written> {
	const files = vacant(relayFiles(directory));
	write(files, { keys: await relayPair(bits) });
	return files;
}

/**
 * New keys in front of the ones in use, which sign for another day and stay published until the next rotation; what was
 * replaced by an earlier rotation goes.
 * @param now seconds since the epoch
 * @throws {ConfigError} where the set cannot be read
 */
export async function rotateRelayKeys(directory: string, bits: RsaBits, now: number): Promise<Written> {
	const files = relayFiles(directory);
	const checked = readAssertionKeys(files.privatePath);
	const { keys } = readJsonFile('--out', files.privatePath, 'assertion_keys_invalid') as { keys: JWK[] };
	const kept = keys.filter((_, at) => !isReplaced(checked[at]!, checked, now));
	const made = (await relayPair(bits)).map((key) => ({ ...key, nbf: now + ANNOUNCED }));
	write(files, { keys: rsaFirst([...made, ...kept]) });
	return files;
}

/** One RSA key for the directory, as the `clientAuth` of a provider. @throws {KeysExist} rather than replace one */
export async function makeEmbeddedKey(directory: string, bits: RsaBits): Promise<Written> {
	const files = vacant(embeddedFiles(directory));
	const key = await makeRsaKey(bits);
	write(files, { keys: [key] }, { clientAuth: { method: 'embedded-key', key } });
	return files;
}

const relayPair = async (bits: RsaBits) => [await makeRsaKey(bits), await makeEcKey()];

function isReplaced(key: AssertionKey, all: readonly AssertionKey[], now: number): boolean {
	return all.some(({ alg, notBefore }) => alg === key.alg && notBefore > key.notBefore && notBefore <= now);
}

function vacant(files: Written): Written {
	for (const path of [files.privatePath, files.publicPath]) if (existsSync(path)) throw new KeysExist(path);
	return files;
}

function write({ privatePath, publicPath }: Written, set: { keys: JWK[] }, content: unknown = set): void {
	mkdirSync(join(privatePath, '..'), { recursive: true, mode: 0o700 });
	replace(privatePath, content, 0o600);
	replace(publicPath, { keys: publicHalves(set.keys) }, 0o644);
}

/** All of the file or nothing of it, and never for a moment readable by others. */
function replace(path: string, content: unknown, mode: number): void {
	const draft = `${path}.${randomUUID()}`;
	try {
		writeFileSync(draft, `${JSON.stringify(content, null, '\t')}\n`, { mode, flag: 'wx' });
		renameSync(draft, path);
	} catch (cause) {
		rmSync(draft, { force: true });
		throw cause;
	}
}
