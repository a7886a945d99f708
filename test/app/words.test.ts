import { describe, expect, it } from 'vitest';
import { bytesWords } from '../../app/words/amounts.js';
import { agoWords, birthDateWords, expiryWords, fromWords, leftWords, sinceWords } from '../../app/words/dates.js';
import { errorWords } from '../../app/words/errors.js';
import { kindWords } from '../../app/words/kinds.js';
import { attention, type ConnectionView } from '../../sw/contract.js';
import { referencedTypes, searches } from '../../sw/fhir/searches.js';

// Local time on purpose: the words are for the device's own clock.
const now = new Date(2026, 0, 17, 12, 0).getTime();
const at = (month: number, day: number, hour = 9, minute = 0, year = 2026) =>
	new Date(year, month - 1, day, hour, minute).getTime();

const connection = (
	expiry: ConnectionView['expiry'],
	rest: Partial<Pick<ConnectionView, 'renewable' | 'status'>> = {},
): Pick<ConnectionView, 'expiry' | 'renewable' | 'status'> => ({ expiry, renewable: true, status: 'active', ...rest });
const until = (time: number) => ({ kind: 'at', at: time, renews: false }) as const;

/** `Intl` puts a narrow no-break space before AM and PM. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');
const expiry = (value: Parameters<typeof expiryWords>[0], locale = 'en-US') => plain(expiryWords(value, now, locale));

describe('errors in words', () => {
	it.each(Object.entries(errorWords))(
		'%s has a title without a full stop and a body of whole sentences',
		(code, words) => {
			expect(words.title).toMatch(/^[A-Z].*[^.]$/);
			expect(words.body).toMatch(/^[A-Z].*\.$/);
			expect(`${words.title} ${words.body}`).not.toContain(code.includes('_') ? code : '\0');
		},
	);

	it('no two errors share a title, except those that mean that the page is out of date', () => {
		const titles = Object.entries(errorWords)
			.filter(([code]) => code !== 'version_mismatch')
			.map(([, { title }]) => title);
		expect(new Set(titles).size).toBe(titles.length);
	});
});

describe('expiry in words', () => {
	it('an end some days away is told with the days that are left', () => {
		expect(expiry(connection(until(at(1, 22))))).toBe('Expires Jan 22 (5 days left)');
	});

	it('an end in another year is told with the year', () => {
		expect(expiry(connection(until(at(1, 10, 9, 0, 2027))))).toBe('Expires Jan 10, 2027 (358 days left)');
	});

	it('an end today or tomorrow is told with the time', () => {
		expect(expiry(connection(until(at(1, 17, 15, 40))))).toBe('Expires today at 3:40 PM');
		expect(expiry(connection(until(at(1, 18, 0, 10))))).toBe('Expires tomorrow at 12:10 AM');
	});

	it('no end and an end that is not told are different things', () => {
		expect(expiry(connection({ kind: 'none' }))).toBe('No expiry set');
		expect(expiry(connection({ kind: 'unknown' }))).toBe('Expiry not told by this provider');
		// No calendar has this day.
		expect(expiry(connection({ kind: 'at', at: 1e18, renews: false }))).toBe('Expiry not told by this provider');
	});

	it('an end that each refresh moves is none, as long as the wallet is used', () => {
		const renewing = (time: number) => connection({ ...until(time), renews: true });
		expect(expiry(renewing(at(4, 17)))).toBe('No expiry set, as long as it is used before Apr 17');
		expect(expiry(renewing(at(1, 18)))).toBe('No expiry set, as long as it is used before tomorrow at 9:00 AM');
		// Opening the wallet moves it, so only the last day is worth a colour.
		expect(attention(renewing(at(1, 20)), now)).toBeNull();
		expect(attention(renewing(at(1, 18)), now)).toBe('ends');
		expect(expiry({ ...renewing(at(1, 10)), status: 'expired' })).toBe('Expired Jan 10');
	});

	it('access that cannot be renewed says when it ends and why', () => {
		const access = connection(until(at(1, 17, 15, 40)), { renewable: false });
		expect(expiry(access, 'en-GB')).toBe('Ends at 15:40 today; this provider does not allow longer access');
		expect(expiry(access)).toBe('Ends at 3:40 PM today; this provider does not allow longer access');
	});

	it('an expired connection says since when, if that is known', () => {
		expect(expiry(connection(until(at(1, 10)), { status: 'expired' }))).toBe('Expired Jan 10');
		expect(expiry(connection({ kind: 'unknown' }, { status: 'expired' }))).toBe('Expired');
	});

	it('a connection revoked before its end is not said to have expired in the future', () => {
		expect(expiry(connection(until(at(1, 22)), { status: 'expired' }))).toBe('Expired');
	});

	it('an end that passed while nobody could check does not call the connection expired', () => {
		expect(expiry(connection(until(at(1, 15))))).toBe('Was due to expire Jan 15');
	});

	it('only an active connection with an end within a week asks for attention', () => {
		expect(attention(connection(until(at(1, 22))), now)).toBe('ends');
		expect(attention(connection(until(at(3, 22))), now)).toBeNull();
		expect(attention(connection(until(at(1, 10)), { status: 'expired' }), now)).toBe('expired');
		expect(attention(connection({ kind: 'none' }), now)).toBeNull();
	});
});

describe('times, dates and sizes in words', () => {
	it.each([
		[now - 20_000, 'just now'],
		[now + 5_000, 'just now'],
		[now - 12 * 60_000, '12 minutes ago'],
		[now - 3 * 3_600_000, '3 hours ago'],
		[at(1, 16, 23), 'yesterday'],
		[at(1, 14), '3 days ago'],
		[at(1, 2), 'Jan 2'],
		[at(12, 24, 9, 0, 2025), 'Dec 24, 2025'],
	])('the moment %i is %s', (moment, words) => {
		expect(agoWords(moment, now, 'en-US')).toBe(words);
	});

	it('what is from just now is from moments ago', () => {
		expect(fromWords(now - 20_000, now, 'en-US')).toBe('moments ago');
		expect(fromWords(at(1, 14), now, 'en-US')).toBe('3 days ago');
	});

	it('since when is a time today and a date before', () => {
		expect(plain(sinceWords(at(1, 17, 9, 5), now, 'en-US'))).toBe('9:05 AM');
		expect(sinceWords(at(1, 16), now, 'en-US')).toBe('Jan 16');
		expect(plain(sinceWords(at(1, 18), now, 'en-US'))).toBe('12:00 PM');
	});

	it.each([
		[now, 'ended'],
		[now + 59_000, 'less than a minute left'],
		[now + 61_000, '1 minute left'],
		[now + 42.5 * 60_000, '42 minutes left'],
	])('what is left until %i is %s', (moment, words) => {
		expect(leftWords(moment, now)).toBe(words);
	});

	it.each([
		['1987-02-20', 'Feb 20, 1987'],
		['1987-02', 'February 1987'],
		['1987', '1987'],
		['1987-13-45', '1987-13-45'],
		['about 1950', 'about 1950'],
	])('the birth date %s is no more exact in words than it was', (date, words) => {
		expect(birthDateWords(date, 'en-US')).toBe(words);
	});

	it.each([
		[0, '0 kB'],
		[950, '1 kB'],
		[999_900, '1.0 MB'],
		[14_230_000, '14.2 MB'],
		[512_000_000, '512 MB'],
		[2_500_000_000, '2.5 GB'],
	])('%i octets are %s', (bytes, words) => {
		expect(bytesWords(bytes, 'en-US')).toBe(words);
	});

	it('kinds of data have plain words, and unknown kinds keep a readable name', () => {
		expect(kindWords('Observation')).toBe('Lab results and vital signs');
		expect(kindWords('AllergyIntolerance')).toBe('Allergies');
		expect(kindWords('SupplyDelivery')).toBe('Supply Delivery');
	});

	it.each([...searches.map(({ type }) => type), ...referencedTypes])(
		'%s, which is asked for, has words of its own',
		(type) => {
			expect(kindWords(type)).not.toBe(type.replace(/(?<=[a-z])(?=[A-Z])/g, ' '));
		},
	);
});
