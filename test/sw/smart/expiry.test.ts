import { expect, test } from 'vitest';
import type { Expiry } from '../../../sw/contract.js';
import { type End, endInAnswer, endInFields, endInToken, followExpiry } from '../../../sw/smart/expiry.js';

const now = Date.parse('2026-11-22T12:00:00Z');
const hour = 3_600_000;
const day = 24 * hour;

const jwt = (claims: object) =>
	['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

test.each(['refresh_expires_in', 'refresh_token_expires_in', 'refresh_token_timeout'])(
	'%s counts seconds from now',
	(name) => {
		expect(endInFields({ [name]: 60 })).toEqual({ in: 60_000 });
		expect(endInFields({ [name]: '60' })).toEqual({ in: 60_000 });
	},
);

test('zero and less say that there is no end', () => {
	expect(endInFields({ refresh_expires_in: 0 })).toBe('none');
	expect(endInFields({ refresh_token_timeout: -1 })).toBe('none');
});

test('a grant’s expiration is a date or seconds since the epoch', () => {
	const at = now + 10 * day;
	expect(endInFields({ access_grant_expiration: new Date(at).toISOString() })).toEqual({ at });
	expect(endInFields({ access_grant_expiration: at / 1000 })).toEqual({ at });
	expect(endInFields({ access_grant_expiration: String(at / 1000) })).toEqual({ at });
});

test('fields count in their order, and nonsense is passed over', () => {
	const fields = { refresh_token_timeout: 30, refresh_token_expires_in: 20, refresh_expires_in: 10 };
	expect(endInFields(fields)).toEqual({ in: 10_000 });
	expect(endInFields({ ...fields, refresh_expires_in: 'soon' })).toEqual({ in: 20_000 });
	expect(endInFields({ refresh_expires_in: null, refresh_token_expires_in: {}, access_grant_expiration: null })).toBe(
		'unknown',
	);
	expect(endInFields({ access_grant_expiration: 'never' })).toBe('unknown');
	expect(endInFields({})).toBe('unknown');
});

test('a number that is no time is not told as one', () => {
	for (const name of ['refresh_expires_in', 'access_grant_expiration'])
		expect(endInFields({ [name]: 1e300 }), name).toBe('unknown');
	expect(endInToken(jwt({ exp: 1e300 }))).toBe('unknown');
});

test('a refresh token that is a JWT tells its end', () => {
	expect(endInToken(jwt({ exp: now / 1000 }))).toEqual({ at: now });
	expect(endInToken(jwt({}))).toBe('unknown');
	expect(endInToken(jwt({ exp: 'tomorrow' }))).toBe('unknown');
	expect(endInToken('opaque')).toBe('unknown');
	expect(endInToken('a.b.c')).toBe('unknown');
});

test('a field counts for more than the token, and without either it is unknown', () => {
	const token = jwt({ exp: now / 1000 });
	expect(endInAnswer({ refresh_expires_in: 60 }, token)).toEqual({ in: 60_000 });
	expect(endInAnswer({ refresh_expires_in: 0 }, token)).toBe('none');
	expect(endInAnswer({}, token)).toEqual({ at: now });
	expect(endInAnswer({}, null)).toBe('unknown');
});

const at = (end: number, renews = false): Expiry => ({ kind: 'at', at: end, renews });

/** What is shown after refreshes at these moments by this device's clock, which tell these ends. */
function after(...told: { now: number; end: End; offset?: number }[]): Expiry {
	let before = { expiry: { kind: 'unknown' } as Expiry, toldAt: 0, clockOffset: 0 };
	for (const { now, end, offset = 0 } of told)
		before = { expiry: followExpiry(before, end, now, offset), toldAt: now, clockOffset: offset };
	return before.expiry;
}

test('an end that no calendar has is not told', () => {
	expect(after({ now, end: { at: 1e18 } })).toEqual({ kind: 'unknown' });
	expect(after({ now, end: { at: 8.64e15 }, offset: -day })).toEqual({ kind: 'unknown' });
	expect(after({ now, end: { at: now + day } }, { now, end: { at: 1e18 } })).toEqual(at(now + day));
});

test('an end that stays where it is does not renew; one that moves does, and stays so', () => {
	expect(after({ now, end: { at: now + day } })).toEqual(at(now + day));
	expect(after({ now, end: { at: now + day } }, { now: now + hour, end: { at: now + day } })).toEqual(at(now + day));
	// Whole seconds are not a move.
	expect(after({ now, end: { at: now + day } }, { now: now + hour, end: { at: now + day + 59_000 } })).toEqual(
		at(now + day + 59_000),
	);
	const moved = [
		{ now, end: { at: now + day } },
		{ now: now + hour, end: { at: now + day + hour } },
	];
	expect(after(...moved)).toEqual(at(now + day + hour, true));
	expect(after(...moved, { now: now + hour + 1000, end: { at: now + day + hour } })).toEqual(
		at(now + day + hour, true),
	);
});

test('seconds that begin anew with each refresh renew; seconds that become less do not', () => {
	expect(after({ now, end: { in: day } }, { now: now + hour, end: { in: day } })).toEqual(at(now + hour + day, true));
	expect(after({ now, end: { in: day } }, { now: now + hour, end: { in: day - hour } })).toEqual(at(now + day));
	// Twice within seconds, these look alike.
	expect(after({ now, end: { in: day } }, { now: now + 30_000, end: { in: day - 30_000 } })).toEqual(at(now + day));
});

test.each([day, -day])(
	'a clock of this device that is set by %i ms makes no rolling end look renewed, nor the reverse',
	(jump) => {
		const later = now + hour + jump;
		const rolling = after({ now, end: { in: 5 * day } }, { now: later, end: { in: 5 * day - hour } });
		expect(rolling).toEqual(at(later + 5 * day - hour, false));
		const indefinite = after({ now, end: { in: 5 * day } }, { now: later, end: { in: 5 * day } });
		expect(indefinite).toEqual(at(later + 5 * day, true));
		// A moment by the provider's clock, which tells how far ours is off.
		const fixed = after({ now, end: { at: now + 5 * day } }, { now: later, end: { at: now + 5 * day }, offset: -jump });
		expect(fixed).toEqual(at(now + 5 * day + jump, false));
		// And one that does not tell.
		const silent = after({ now, end: { at: now + 5 * day } }, { now: later, end: { at: now + 5 * day } });
		expect(silent).toEqual(at(now + 5 * day, false));
	},
);

test('an end by the provider’s clock is shown by ours; seconds from now need no correction', () => {
	expect(after({ now, end: { at: now + day }, offset: hour })).toEqual(at(now + day - hour));
	expect(after({ now, end: { in: day }, offset: hour })).toEqual(at(now + day));
});

test('what was told once is kept when it is not told again', () => {
	const told = { now, end: { in: day } };
	expect(after(told, { now: now + hour, end: 'unknown' })).toEqual(at(now + day));
	expect(after({ now, end: 'none' }, { now: now + hour, end: 'unknown' })).toEqual({ kind: 'none' });
	expect(after(told, { now: now + hour, end: 'none' })).toEqual({ kind: 'none' });
	expect(after({ now, end: 'none' }, { now: now + hour, end: { in: day } })).toEqual(at(now + hour + day));
});
