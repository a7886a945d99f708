/**
 * When a connection ends, from whatever a provider tells: fields of the token response, introspection, the `exp` of a
 * refresh token that is a JWT, in that order; else it is unknown. Pure. Times in milliseconds since the epoch.
 */
import { decodeJwt } from 'jose';
import type { Expiry } from '../contract.js';

/**
 * What one answer tells of the end: how long from now, a moment by the provider's clock, that there is none, or nothing. The
 * first two are kept apart because a wrong clock on this device shifts them differently.
 */
export type End = { in: number } | { at: number } | 'none' | 'unknown';

/** Members that say in how many seconds the refresh token ends. */
const SECONDS_FIELDS = ['refresh_expires_in', 'refresh_token_expires_in', 'refresh_token_timeout'];
/** Members that say when, as a date or in seconds since the epoch (Blue Button). */
const DATE_FIELDS = ['access_grant_expiration'];

/** The end as a token response tells it. @param fields the answer's members */
export function endInFields(fields: Record<string, unknown>): End {
	for (const name of SECONDS_FIELDS) {
		const seconds = toNumber(fields[name]);
		if (seconds === undefined) continue;
		// Zero and less is how servers say "no end".
		return seconds <= 0 ? 'none' : isSpan(seconds * 1000) ? { in: seconds * 1000 } : 'unknown';
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

/** The end as far as an answer itself tells it. */
export function endInAnswer(fields: Record<string, unknown>, refreshToken: string | null): End {
	const told = endInFields(fields);
	return told === 'unknown' && refreshToken !== null ? endInToken(refreshToken) : told;
}

/** An end, and the clocks at the moment when it was told. `clockOffset`: the provider's minus this device's. */
export interface Told {
	expiry: Expiry;
	toldAt: number;
	clockOffset: number;
}

/** Ends told in whole seconds and relative to two different moments differ by this much without having moved. */
const SLACK_MS = 60_000;

/**
 * The expiry to show after a refresh, by this device's clock. An end that has moved renews with each refresh (indefinite
 * access); one that has not is rolling. Once seen to move it stays so; what a provider told once is kept when it does not tell
 * again.
 */
export function followExpiry(before: Told, end: End, now: number, clockOffset: number): Expiry {
	if (end === 'none') return { kind: 'none' };
	if (end === 'unknown') return before.expiry;
	const at = 'in' in end ? now + end.in : end.at - clockOffset;
	// Clocks that differ by ages can lead out of the calendar in the end.
	return moment(at) === 'unknown' ? before.expiry : { kind: 'at', at, renews: hasMoved(before, end, now) };
}

/** Compared so that a clock of this device that was set between the two makes no difference. */
function hasMoved({ expiry, toldAt, clockOffset }: Told, end: { in: number } | { at: number }, now: number): boolean {
	if (expiry.kind !== 'at') return false;
	if (expiry.renews) return true;
	// A moment of the provider's clock beside another one of it.
	if ('at' in end) return end.at > expiry.at + clockOffset + SLACK_MS;
	// What is left begins anew, or has become less; after a very short while these look alike.
	const sooner = Math.abs(now - toldAt) < 2 * SLACK_MS;
	return !sooner && end.in > expiry.at - toldAt - SLACK_MS;
}

/** No calendar has a day for what lies outside this range (ECMA-262, section 21.4.1.1). */
function moment(at: number): End {
	return Math.abs(at) <= 8.64e15 ? { at } : 'unknown';
}

/** A century: what is longer is a mistake, and would lead out of the calendar. */
function isSpan(milliseconds: number): boolean {
	return milliseconds <= 100 * 366 * 24 * 3_600_000;
}

function toNumber(value: unknown): number | undefined {
	if (typeof value === 'number' && Number.isFinite(value)) return value;
	if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
	return undefined;
}
