/**
 * The envelope of session protocol 1: derived keys, the sealed request, sealed parts and the sealed manifest.
 * Shared by the wallet (seals) and the agent (opens); pure, no I/O. `test/vectors/` holds worked examples.
 *
 * Every `open…` either returns what was sealed or throws an EnvelopeError; nothing is returned on the way.
 */
import { gcm } from '@noble/ciphers/webcrypto.js';
import {
	base64url,
	CompactEncrypt,
	CompactSign,
	calculateJwkThumbprint,
	compactDecrypt,
	compactVerify,
	type JWK,
} from 'jose';
import * as v from 'valibot';
import { Manifest, PROTOCOL_VERSION, SessionRequest } from './contract.js';
import type { SessionLink } from './link.js';

export type EnvelopeErrorCode =
	/** A part does not open: altered, of another session or blob, out of order, or cut off. */
	| 'part_invalid'
	/** The manifest does not open, is not of this session, or was not made by somebody who held the link. */
	| 'manifest_invalid'
	/** The request does not open or is not of the protocol's shape. */
	| 'request_invalid'
	/** The agent's public key admits no shared secret (RFC 7748, section 6.1). */
	| 'key_invalid';

export class EnvelopeError extends Error {
	override name = 'EnvelopeError';
	constructor(
		readonly code: EnvelopeErrorCode,
		options?: { cause: unknown },
	) {
		super(code, options);
	}
}

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/** `octets` random octets, base64url. */
export function random(octets: number): string {
	return base64url.encode(crypto.getRandomValues(new Uint8Array(octets)));
}

/** SHA-256 of `data`, base64url. */
export async function sha256(data: Uint8Array): Promise<string> {
	return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)));
}

/** The hash under which the relay knows a base64url token: SHA-256 of its octets. */
export function tokenHash(token: string): Promise<string> {
	return sha256(base64url.decode(token));
}

/** What `S` derives to: one key per purpose, by HKDF label. All base64url, but for `code`. */
export interface SessionKeys {
	/** Bearer token with which a link holder may look at and claim the session. */
	write: string;
	/** Key of the request's JWE. */
	request: string;
	/** Key of the manifest's JWS. */
	manifest: string;
	/** The match code, six digits. */
	code: string;
}

export async function deriveKeys({ sid, pk, secret }: SessionLink): Promise<SessionKeys> {
	const base = await crypto.subtle.importKey(
		'raw',
		base64url.decode(secret) as Uint8Array<ArrayBuffer>,
		'HKDF',
		false,
		['deriveBits'],
	);
	const salt = base64url.decode(sid) as Uint8Array<ArrayBuffer>;
	const hkdf = async (info: Uint8Array, octets: number) =>
		new Uint8Array(
			await crypto.subtle.deriveBits(
				{ name: 'HKDF', hash: 'SHA-256', salt, info: info as Uint8Array<ArrayBuffer> },
				base,
				octets * 8,
			),
		);
	const label = (name: string) => utf8.encode(`satchel/${PROTOCOL_VERSION} ${name}`);
	const [write, request, manifest, code] = await Promise.all([
		hkdf(label('write'), 32),
		hkdf(label('request'), 32),
		hkdf(label('manifest'), 32),
		hkdf(concat(label('code'), base64url.decode(pk)), 4),
	]);
	return {
		write: base64url.encode(write),
		request: base64url.encode(request),
		manifest: base64url.encode(manifest),
		code: String(new DataView(code.buffer).getUint32(0) % 1_000_000).padStart(6, '0'),
	};
}

/** `418207` as people read it aloud: `418 207`. */
export function spacedCode(code: string): string {
	return `${code.slice(0, 3)} ${code.slice(3)}`;
}

// --- the request: JWE compact, dir, A256GCM ---------------------------------------------------------------------

/** @param key `SessionKeys.request` */
export async function sealRequest(request: SessionRequest, key: string): Promise<string> {
	return new CompactEncrypt(utf8.encode(JSON.stringify(request)))
		.setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
		.encrypt(base64url.decode(key));
}

/** @throws {EnvelopeError} `request_invalid` */
export async function openRequest(jwe: string, key: string): Promise<SessionRequest> {
	try {
		const { plaintext } = await compactDecrypt(jwe, base64url.decode(key), {
			keyManagementAlgorithms: ['dir'],
			contentEncryptionAlgorithms: ['A256GCM'],
		});
		return v.parse(SessionRequest, JSON.parse(text.decode(plaintext)));
	} catch (cause) {
		throw new EnvelopeError('request_invalid', { cause });
	}
}

// --- a part: nonce ‖ AES-256-GCM(CEK, nonce, gzip(segment), aad) ------------------------------------------------

/** Where a part belongs; all of it is authenticated with the part. */
export interface PartPosition {
	sid: string;
	bid: string;
	n: number;
	/** Whether it is the blob's last part. */
	last: boolean;
}

const NONCE_OCTETS = 12;

function additionalData({ sid, bid, n, last }: PartPosition): Uint8Array {
	return utf8.encode(`satchel/${PROTOCOL_VERSION}|${sid}|${bid}|${n}|${last ? 'last' : 'more'}`);
}

/**
 * Seals one gzip member.
 * @param key the blob's CEK, base64url
 * @param nonce 12 octets; only the vectors give one. A nonce must never meet the same CEK twice, which is why a
 * sealed part is stored and sent again as it is, never sealed anew.
 */
export async function sealPart(
	gzipped: Uint8Array,
	key: string,
	position: PartPosition,
	nonce: Uint8Array = crypto.getRandomValues(new Uint8Array(NONCE_OCTETS)),
): Promise<Uint8Array> {
	const sealed = await gcm(base64url.decode(key), nonce, additionalData(position)).encrypt(gzipped);
	return concat(nonce, sealed);
}

/** The gzip member of one part. @throws {EnvelopeError} `part_invalid` */
export async function openPart(part: Uint8Array, key: string, position: PartPosition): Promise<Uint8Array> {
	try {
		const nonce = part.subarray(0, NONCE_OCTETS);
		return await gcm(base64url.decode(key), nonce, additionalData(position)).decrypt(part.subarray(NONCE_OCTETS));
	} catch (cause) {
		throw new EnvelopeError('part_invalid', { cause });
	}
}

// --- the manifest: JWE (secrecy towards pk) around JWS (the sender held the link) -------------------------------

const JWE_TYP = 'satchel-manifest+jwe';
const JWS_TYP = 'satchel-manifest+jws';

function publicJwk(pk: string): JWK {
	return { kty: 'OKP', crv: 'X25519', x: pk };
}

/** RFC 7638 thumbprint of the agent's public key. */
export function keyId(pk: string): Promise<string> {
	return calculateJwkThumbprint(publicJwk(pk), 'sha256');
}

/** @throws {EnvelopeError} `key_invalid` */
export async function sealManifest(manifest: Manifest, pk: string, keys: SessionKeys): Promise<string> {
	const jws = await new CompactSign(utf8.encode(JSON.stringify(manifest)))
		.setProtectedHeader({ alg: 'HS256', typ: JWS_TYP })
		.sign(base64url.decode(keys.manifest));
	const sid = base64url.decode(manifest.sid);
	const apv = new Uint8Array(await crypto.subtle.digest('SHA-256', sid as Uint8Array<ArrayBuffer>));
	try {
		return await new CompactEncrypt(utf8.encode(jws))
			.setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: JWE_TYP, kid: await keyId(pk) })
			.setKeyManagementParameters({ apv })
			.encrypt(publicJwk(pk));
	} catch (cause) {
		throw new EnvelopeError('key_invalid', { cause });
	}
}

/** The agent's side of a session: its key pair, base64url, and the link's other parts. */
export interface AgentKeys extends SessionLink {
	sk: string;
}

/**
 * Opens a manifest and checks that it is of this session, for this key, from somebody who held the link.
 * @throws {EnvelopeError} `manifest_invalid`
 */
export async function openManifest(jwe: string, agent: AgentKeys): Promise<Manifest> {
	try {
		const { manifest: macKey } = await deriveKeys(agent);
		const outer = await compactDecrypt(
			jwe,
			{ ...publicJwk(agent.pk), d: agent.sk },
			{ keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] },
		);
		const header = outer.protectedHeader;
		const apv = await sha256(base64url.decode(agent.sid));
		if (header.typ !== JWE_TYP || header.kid !== (await keyId(agent.pk)) || header.apv !== apv)
			throw new Error('the JWE is of another session, key or purpose');
		const inner = await compactVerify(outer.plaintext, base64url.decode(macKey), { algorithms: ['HS256'] });
		if (inner.protectedHeader.typ !== JWS_TYP) throw new Error('the JWS is of another purpose');
		const manifest = v.parse(Manifest, JSON.parse(text.decode(inner.payload)));
		if (manifest.sid !== agent.sid) throw new Error('the manifest is of another session');
		return manifest;
	} catch (cause) {
		throw new EnvelopeError('manifest_invalid', { cause });
	}
}

// --- the agent's key pair ---------------------------------------------------------------------------------------

/** A fresh X25519 key pair, base64url. */
export async function generateKeyPair(): Promise<{ pk: string; sk: string }> {
	const pair = (await crypto.subtle.generateKey('X25519', true, ['deriveBits'])) as {
		privateKey: Parameters<typeof crypto.subtle.exportKey>[1];
	};
	const { x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
	if (!x || !d) throw new EnvelopeError('key_invalid');
	return { pk: x, sk: d };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
	const both = new Uint8Array(a.length + b.length);
	both.set(a);
	both.set(b, a.length);
	return both;
}
