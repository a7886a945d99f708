/**
 * The backup file: one JWE compact (RFC 7516) under a key made of a passphrase. Its protected header says how to make that
 * key again, so that whoever alters it gets another key or a broken seal.
 *
 * `dir` with a key that the page made, not PBES2 (RFC 7518, section 4.8): PBKDF2 costs a guesser next to no memory.
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose';
import * as v from 'valibot';
import { ClientAuth } from '../../relay/contract.js';
import { BACKUP_MOST, type Kdf, type Reply } from '../contract.js';
import { BrokerError } from '../errors.js';
import { checkedUrl } from '../http.js';
import { normalizeBase } from '../smart/discover.js';

const VERSION = 1;
const TYPE = 'satchel-backup+jwe';

/**
 * What this version makes is N = 2^17, r = 8, p = 1: 128 MiB (128 · N · r octets). The bounds leave room either way, and keep
 * a file that somebody else made from using up the device's memory.
 */
const KdfShape = v.object({
	name: v.literal('scrypt'),
	N: v.picklist([2 ** 15, 2 ** 16, 2 ** 17, 2 ** 18]),
	r: v.literal(8),
	p: v.picklist([1, 2, 3, 4]),
	salt: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
});

/** The last moment of ECMAScript's calendar (ECMA-262, section 21.4.1.1). */
const LAST = 8.64e15;
const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LAST));

const Header = v.object({
	alg: v.literal('dir'),
	enc: v.literal('A256GCM'),
	typ: v.literal(TYPE),
	version: v.literal(VERSION),
	createdAt: time,
	kdf: KdfShape,
});

const url = v.pipe(
	v.string(),
	v.check((text) => {
		try {
			return Boolean(checkedUrl(text));
		} catch {
			return false;
		}
	}),
);
const strings = v.array(v.string());
/** As long as in the directory: names are copied into the activity. */
const short = (max: number) => v.pipe(v.string(), v.maxLength(max));

/** Whatever a connection needs to go on elsewhere. No key, job or session: those stay where they are. */
const Entry = v.object({
	provider: v.object({
		id: v.optional(short(100)),
		name: short(300),
		location: v.optional(short(300)),
		vendor: v.optional(short(40)),
	}),
	fhirBaseUrl: v.pipe(url, v.transform(normalizeBase)),
	clientId: short(500),
	clientAuth: v.optional(ClientAuth),
	config: v.looseObject({
		issuer: v.nullable(v.string()),
		authorizationEndpoint: url,
		tokenEndpoint: url,
		revocationEndpoint: v.nullable(url),
		introspectionEndpoint: v.nullable(url),
		registrationEndpoint: v.exactOptional(v.nullable(url)),
		jwksUri: v.nullable(url),
		scopesSupported: strings,
		capabilities: strings,
		issInResponse: v.boolean(),
		idTokenAlgorithms: strings,
	}),
	patientId: v.pipe(v.string(), v.minLength(1)),
	patient: v.nullable(v.object({ name: v.exactOptional(short(500)), birthDate: v.exactOptional(short(40)) })),
	scope: v.string(),
	connectedAt: time,
	lastRefreshedAt: time,
	expiry: v.variant('kind', [
		v.object({ kind: v.literal('at'), at: v.pipe(v.number(), v.maxValue(LAST)), renews: v.boolean() }),
		v.object({ kind: v.literal('none') }),
		v.object({ kind: v.literal('unknown') }),
	]),
	/**
	 * What gives access; null where signing in again is all that helps: the connection had ended, or is renewed by a key that
	 * cannot leave its device.
	 */
	access: v.nullable(
		v.variant('kind', [
			v.object({ kind: v.literal('refresh'), token: v.pipe(v.string(), v.minLength(1)) }),
			/** Nothing to renew with: good until its end, null where that was not told. */
			v.object({ kind: v.literal('access'), token: v.pipe(v.string(), v.minLength(1)), until: v.nullable(time) }),
		]),
	),
});
export type Entry = v.InferOutput<typeof Entry>;

const Contents = v.object({ connections: v.pipe(v.array(Entry), v.maxLength(1000)) });
export type Contents = v.InferOutput<typeof Contents>;

/** A file that could not be restored is never made. @throws {BrokerError} `internal` */
export async function sealBackup(contents: Contents, key: CryptoKey, kdf: Kdf, createdAt: number): Promise<string> {
	const header = { alg: 'dir', enc: 'A256GCM', typ: TYPE, version: VERSION, createdAt, kdf };
	const octets = new TextEncoder().encode(JSON.stringify(contents));
	try {
		const file = await new CompactEncrypt(octets).setProtectedHeader(header).encrypt(key);
		await openBackup(file, key);
		return file;
	} catch (cause) {
		throw new BrokerError('internal', { cause });
	}
}

/** What the file says of itself; nothing of it is proven before it is opened. @throws {BrokerError} `backup_invalid`, `backup_version` */
export function inspectFile(file: string): Reply<'backup.inspect'> {
	const header = fileHeader(file.trim());
	if (typeof header.version === 'number' && header.version > VERSION) throw new BrokerError('backup_version');
	const { kdf, createdAt } = shaped(Header, header);
	return { kdf, createdAt };
}

function fileHeader(file: string): Record<string, unknown> {
	if (file.length > BACKUP_MOST || !/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/.test(file))
		throw new BrokerError('backup_invalid');
	try {
		const header = decodeProtectedHeader(file) as Record<string, unknown>;
		if (header.typ === TYPE) return header;
	} catch (cause) {
		throw new BrokerError('backup_invalid', { cause });
	}
	throw new BrokerError('backup_invalid');
}

/** @throws {BrokerError} `backup_invalid`, `backup_version`, `backup_passphrase` */
export async function openBackup(file: string, key: CryptoKey): Promise<Contents> {
	inspectFile(file);
	let contents: unknown;
	try {
		const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
		const { plaintext } = await compactDecrypt(file.trim(), key, options);
		contents = JSON.parse(new TextDecoder().decode(plaintext));
	} catch (cause) {
		// A wrong key and altered octets look the same, by design of the seal.
		const wrong = cause instanceof errors.JWEDecryptionFailed;
		throw new BrokerError(wrong ? 'backup_passphrase' : 'backup_invalid', { cause });
	}
	return shaped(Contents, contents);
}

function shaped<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
	const parsed = v.safeParse(schema, value);
	// The issues name values, so they are no cause to keep.
	if (!parsed.success) throw new BrokerError('backup_invalid');
	return parsed.output;
}
