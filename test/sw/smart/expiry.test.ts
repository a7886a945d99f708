import { expect, test } from 'vitest';
import type { Expiry } from '../../../sw/contract.js';
import { endInFields, endInToken, followExpiry } from '../../../sw/smart/expiry.js';

const now = Date.parse('2026-11-22T12:00:00Z');
const day = 86_400_000;

test.each(['refresh_expires_in', 'refresh_token_expires_in', 'refresh_token_timeout'])(
	'%s counts seconds from now',
	(name) => {
		expect(endInFields({ [name]: 60 }, now)).toBe(now + 60_000);
		expect(endInFields({ [name]: '60' }, now)).toBe(now + 60_000);
	},
);

test('zero and less say that there is no end', () => {
	expect(endInFields({ refresh_expires_in: 0 }, now)).toBe('none');
	expect(endInFields({ refresh_token_timeout: -1 }, now)).toBe('none');
});

test('a grant’s expiration is a date or seconds since the epoch', () => {
	const end = now + 10 * day;
	expect(endInFields({ access_grant_expiration: new Date(end).toISOString() }, now)).toBe(end);
	expect(endInFields({ access_grant_expiration: end / 1000 }, now)).toBe(end);
	expect(endInFields({ access_grant_expiration: String(end / 1000) }, now)).toBe(end);
});

test('fields count in their order, and nonsense is passed over', () => {
	const fields = { refresh_token_timeout: 30, refresh_token_expires_in: 20, refresh_expires_in: 10 };
	expect(endInFields(fields, now)).toBe(now + 10_000);
	expect(endInFields({ ...fields, refresh_expires_in: 'soon' }, now)).toBe(now + 20_000);
	expect(
		endInFields({ refresh_expires_in: null, refresh_token_expires_in: {}, access_grant_expiration: null }, now),
	).toBe('unknown');
	expect(endInFields({ access_grant_expiration: 'never' }, now)).toBe('unknown');
	expect(endInFields({}, now)).toBe('unknown');
});

test('a number that is no time is not told as one', () => {
	for (const name of ['refresh_expires_in', 'access_grant_expiration']) {
		const end = endInFields({ [name]: 1e300 }, now);
		expect(typeof end === 'string' || !Number.isNaN(new Date(end).getTime()), `${name}: ${end}`).toBe(true);
	}
});

test('a refresh token that is a JWT tells its end', () => {
	const jwt = (claims: object) =>
		['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');
	expect(endInToken(jwt({ exp: now / 1000 }))).toBe(now);
	expect(endInToken(jwt({}))).toBe('unknown');
	expect(endInToken(jwt({ exp: 'tomorrow' }))).toBe('unknown');
	expect(endInToken('opaque')).toBe('unknown');
	expect(endInToken('a.b.c')).toBe('unknown');
});

const at = (end: number, renews = false): Expiry => ({ kind: 'at', at: end, renews });

test('an end that stays where it is does not renew; one that moves does, and stays so', () => {
	const first = followExpiry({ kind: 'unknown' }, now + day);
	expect(first).toEqual(at(now + day));
	expect(followExpiry(first, now + day)).toEqual(at(now + day));
	// Whole seconds and the network's delay are not a move.
	expect(followExpiry(first, now + day + 59_000)).toEqual(at(now + day + 59_000));
	const moved = followExpiry(first, now + 2 * day);
	expect(moved).toEqual(at(now + 2 * day, true));
	expect(followExpiry(moved, now + 2 * day)).toEqual(at(now + 2 * day, true));
});

test('what was told once is kept when it is not told again', () => {
	expect(followExpiry(at(now, true), 'unknown')).toEqual(at(now, true));
	expect(followExpiry({ kind: 'none' }, 'unknown')).toEqual({ kind: 'none' });
	expect(followExpiry(at(now), 'none')).toEqual({ kind: 'none' });
	expect(followExpiry({ kind: 'none' }, now)).toEqual(at(now));
});
