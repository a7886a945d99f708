/**
 * A session link, `https://HOST/connect/<sid>#1.<pk>.<S>`: all that a person carries from the agent to the
 * wallet. The fragment holds the secret; it must reach neither the relay nor the host of the app.
 */
import { base64url } from 'jose';
import * as v from 'valibot';
import { Id, Key, PROTOCOL_VERSION } from './contract.js';

/** The parts of a link, base64url: `sid` 16 octets, `pk` (X25519) and `secret` (`S`) 32 each. */
export interface SessionLink {
	sid: string;
	pk: string;
	secret: string;
}

export type LinkErrorCode = 'link_incomplete' | 'link_version' | 'link_invalid' | 'link_key';

export class LinkError extends Error {
	override name = 'LinkError';
	constructor(readonly code: LinkErrorCode) {
		super(code);
	}
}

/** The link below `origin` (no trailing slash). */
export function makeLink(origin: string, { sid, pk, secret }: SessionLink): string {
	return `${origin}/connect/${sid}#${PROTOCOL_VERSION}.${pk}.${secret}`;
}

/**
 * Reads `sid` (from the path) and `fragment` (with or without `#`).
 * @throws {LinkError} `link_incomplete` a part is missing, `link_version` made for another version of the
 * protocol, `link_invalid` a part is not what it should be, `link_key` a public key with which no secret can be
 * agreed (RFC 7748, section 6.1: small order, all-zero among them).
 */
export function parseFragment(sid: string, fragment: string): SessionLink {
	const [version, pk, secret, ...rest] = fragment.replace(/^#/, '').split('.');
	if (!version || !pk || !secret) throw new LinkError('link_incomplete');
	if (version !== String(PROTOCOL_VERSION)) throw new LinkError('link_version');
	if (rest.length || !v.is(Id, sid) || !v.is(Key, pk) || !v.is(Key, secret)) throw new LinkError('link_invalid');
	if (isSmallOrder(pk) || /^A+$/.test(secret)) throw new LinkError('link_key');
	return { sid, pk, secret };
}

/** Splits a whole URL. Same errors. */
export function parseLink(url: string): SessionLink & { origin: string } {
	let parsed: URL;
	try {
		parsed = new URL(url);
	} catch {
		throw new LinkError('link_invalid');
	}
	const sid = /^\/connect\/([^/]+)\/?$/.exec(parsed.pathname)?.[1];
	if (!sid) throw new LinkError('link_incomplete');
	return { origin: parsed.origin, ...parseFragment(sid, parsed.hash) };
}

/**
 * The u-coordinates of small order on Curve25519, little-endian, in base64url: 0, 1, the two of order 8, and p - 1,
 * p, p + 1. X25519 with any of them gives zero whatever the other key is.
 */
const SMALL_ORDER = new Set([
	'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
	'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
	'4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA',
	'X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc',
	'7P_______________________________________38',
	'7f_______________________________________38',
	'7v_______________________________________38',
]);

/** X25519 ignores the top bit of the last octet (RFC 7748, section 5), so it is cleared before the look-up. */
function isSmallOrder(pk: string): boolean {
	const u = base64url.decode(pk);
	u[31] = (u[31] ?? 0) & 0x7f;
	return SMALL_ORDER.has(base64url.encode(u));
}
