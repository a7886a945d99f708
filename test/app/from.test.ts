import { describe, expect, it } from 'vitest';
import { fromOf, proposed, totalOf, usable } from '../../app/from.js';
import { amountWords, basisWords, isMuch } from '../../app/words/estimate.js';
import type { ConnectionView, Estimate } from '../../sw/contract.js';

const copy = { at: 1, resources: 10, bytes: 100, unread: 0 };
const connection = (
	id: string,
	status: ConnectionView['status'] = 'active',
	kept: ConnectionView['copy'] = null,
): Pick<ConnectionView, 'id' | 'status' | 'copy'> => ({ id, status, copy: kept });

describe('where records come from', () => {
	it('is the provider, unless there is a copy and it was chosen', () => {
		expect(fromOf(connection('a'), { a: 'copy' })).toBe('provider');
		expect(fromOf(connection('a', 'active', copy), {})).toBe('provider');
		expect(fromOf(connection('a', 'active', copy), { a: 'copy' })).toBe('copy');
	});

	it('is the copy where access has ended, whatever was chosen before', () => {
		expect(fromOf(connection('a', 'expired', copy), { a: 'provider' })).toBe('copy');
		expect(fromOf(connection('a', 'expired'), { a: 'copy' })).toBeNull();
	});

	it('is proposed as the settings say, as long as there is a choice', () => {
		expect(proposed(connection('a', 'active', copy), 'copy')).toBe('copy');
		expect(proposed(connection('a', 'active', copy), 'fetch')).toBe('provider');
		expect(proposed(connection('a', 'expired', copy), 'fetch')).toBe('copy');
		expect(proposed(connection('a'), 'copy')).toBe('provider');
	});

	it('what cannot be had is not part of the choice', () => {
		const list = [connection('a'), connection('b', 'expired'), connection('c', 'expired', copy)];
		expect(usable(list, ['c', 'b', 'gone', 'a'], { a: 'copy' })).toEqual({
			include: ['c', 'a'],
			from: { c: 'copy', a: 'provider' },
		});
	});
});

const estimate = (change: Partial<Estimate>): Estimate => ({
	connectionId: 'a',
	basis: 'copy',
	at: 1,
	resources: null,
	bytes: null,
	tokens: null,
	...change,
});

describe('about how much it is', () => {
	it('is told no more exactly than it is known', () => {
		const total = totalOf([estimate({ resources: 12_431, bytes: 23_100_000, tokens: 5_930_211 })]);
		expect(amountWords(total, 'en-US', true)).toBe('About 12,400 records, 23.1 MB, roughly 5.9 million AI tokens');
		expect(amountWords(total, 'en-US', false)).toBe('About 12,400 records, 23.1 MB');
	});

	it('is at least that much where one connection is not known', () => {
		const total = totalOf([
			estimate({ resources: 1, bytes: 2_000 }),
			estimate({ connectionId: 'b', basis: 'unknown' }),
		]);
		expect(amountWords(total, 'en-US', true)).toBe('At least about 1 record, 2 kB');
	});

	it('is not said to be nothing where nothing is known', () => {
		expect(amountWords(totalOf([estimate({ basis: 'unknown' })]), 'en-US', true)).toBeNull();
		expect(amountWords(totalOf([]), 'en-US', true)).toBeNull();
	});

	it('is much where most assistants cannot hold it at once', () => {
		expect(isMuch({ tokens: 5_000_000 })).toBe(true);
		expect(isMuch({ tokens: 50_000 })).toBe(false);
		expect(isMuch({ tokens: null })).toBe(false);
	});

	it('says what it is based on', () => {
		expect(basisWords('copy', '3 days ago')).toBe('by the copy from 3 days ago');
		expect(basisWords('last', 'yesterday')).toBe('by the last reading, yesterday');
		expect(basisWords('counted', 'just now')).toBe('by counts that the provider gave just now');
		expect(basisWords('unknown', null)).toBe('not known before it is read');
	});
});
