/**
 * When a connection ends, from whatever a provider tells: fields of the token response, introspection, the `exp` of a
 * refresh token that is a JWT, in that order; else it is unknown. Pure.
 */
import { decodeJwt } from 'jose';
import type { Expiry } from '../contract.js';

/** An end in milliseconds since the epoch, `none` (there is no end) or `unknown`. */
export type End = number | 'none' | 'unknown';

/** Members that say in how many seconds the refresh token ends. */
const SECONDS_FIELDS = ['refresh_expires_in', 'refresh_token_expires_in', 'refresh_token_timeout'];
/** Members that say when, as a date or in seconds since the epoch (Blue Button). */
const DATE_FIELDS = ['access_grant_expiration'];

/** The end as the token response tells it. `receivedAt` by the provider's clock. */
export function endInFields(fields: Record<string, unknown>, receivedAt: number): End {
	for (const name of SECONDS_FIELDS) {
		const seconds = toNumber(fields[name]);
		if (seconds === undefined) continue;
		// Zero and less is how servers say "no end".
		return seconds > 0 ? moment(receivedAt + seconds * 1000) : 'none';
	}
	for (const name of DATE_FIELDS) {
		const value = fields[name];
		const seconds = toNumber(value);
		const at = seconds === undefined ? Date.parse(String(value)) : seconds * 1000;
		if (value !== undefined && value !== null && !Number.isNaN(at)) return moment(at);
	}
	return 'unknown';
}

/** The end inside a refresh token that is a JWT. Nothing is verified: the token is ours, and only shown a date of. */
export function endInToken(refreshToken: string): End {
	try {
		const { exp } = decodeJwt(refreshToken);
		return typeof exp === 'number' ? moment(exp * 1000) : 'unknown';
	} catch {
		return 'unknown';
	}
}

/** Ends told in whole seconds and relative to two different moments differ by this much without having moved. */
const SLACK_MS = 60_000;

/**
 * The expiry to show after a refresh. An end that has moved renews with each refresh (indefinite access); one that has
 * not is rolling. Once seen to move it stays so; what a provider told once is kept when it does not tell again.
 */
export function followExpiry(before: Expiry, end: End): Expiry {
	if (end === 'none') return { kind: 'none' };
	if (end === 'unknown') return before;
	const moved = before.kind === 'at' && (before.renews || end > before.at + SLACK_MS);
	return { kind: 'at', at: end, renews: moved };
}

/** No calendar has a day for what lies outside this range (ECMA-262, section 21.4.1.1). */
function moment(at: number): End {
	return Math.abs(at) <= 8.64e15 ? at : 'unknown';
}

function toNumber(value: unknown): number | undefined {
	if (typeof value === 'number' && Number.isFinite(value)) return value;
	if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
	return undefined;
}
