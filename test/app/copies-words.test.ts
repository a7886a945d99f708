import { describe, expect, it } from 'vitest';
import { durationWords, recordsWords } from '../../app/words/amounts.js';
import { copyLacks, effortWords, readingWords } from '../../app/words/copies.js';
import { reasonsWords } from '../../app/words/reasons.js';
import type { SyncEntry } from '../../sw/contract.js';

const entry = (change: Partial<SyncEntry>): SyncEntry => ({
	at: 0,
	mode: 'full',
	status: 'ok',
	added: 0,
	changed: 0,
	removed: 0,
	bytes: 2_100_000,
	requests: 40,
	ms: 14_200,
	error: null,
	...change,
});

describe('what a copy is without', () => {
	const now = new Date(2026, 10, 22, 12).getTime();
	const kind = (type: string, status: 'ok' | 'failed', count: number, at = now) => ({
		type,
		status,
		count,
		at,
		bytes: 0,
	});

	it('is nothing where everything could be read', () => {
		expect(copyLacks([kind('Goal', 'ok', 3)], now, now, 'en-US')).toBe('');
	});

	it('names what is older than the copy, and what is missing', () => {
		const kinds = [kind('AllergyIntolerance', 'failed', 3, now - 3 * 86_400_000), kind('Goal', 'failed', 0)];
		expect(copyLacks(kinds, now, now, 'en-US')).toBe(
			'Allergies are from 3 days ago and Health goals could not be read',
		);
	});

	it('gives the time where both are of the same day', () => {
		const before = new Date(2026, 10, 22, 11, 59, 30).getTime();
		expect(copyLacks([kind('Goal', 'failed', 1, before)], now, now, 'en-US')).toMatch(
			/^Health goals are from 11:59\sAM$/,
		);
	});
});

describe('a reading into a copy in words', () => {
	it('says how it was read and what came of it', () => {
		expect(readingWords(entry({ added: 1_200, removed: 1 }), 'en-US')).toBe('Read everything: 1,200 added, 1 removed');
		expect(readingWords(entry({ mode: 'incremental' }), 'en-US')).toBe('Read only what changed: nothing new');
	});

	it('what could not be read is told, and a failure never looks like nothing new', () => {
		expect(readingWords(entry({ status: 'partial', changed: 2 }), 'en-US')).toBe(
			'Read everything: 2 changed; some kinds could not be read',
		);
		expect(readingWords(entry({ status: 'failed' }), 'en-US')).toBe('Did not work; the copy stayed as it was');
	});

	it('tells what it took', () => {
		expect(effortWords(entry({}), 'en-US')).toBe('2.1 MB, 40 requests, 14 s');
		expect(effortWords(entry({ requests: 1 }), 'en-US')).toContain('1 request,');
	});
});

describe('why something could not be read, in words', () => {
	it.each([
		['http_403', 'the provider does not give this out'],
		['http_500', 'the provider’s system had an error'],
		['http_503', 'the provider’s system had an error'],
		['http_404', 'the provider’s system does not offer it'],
		['http_429', 'the provider’s system was too busy'],
		['timeout', 'no answer came in time'],
		['network', 'the provider’s system could not be reached'],
		['too_large', 'it is larger than Satchel can take'],
		['other_patient', 'it was about another patient, and was set aside'],
		['next_other_origin', 'the answer led to another server, which is not given your access'],
		['next_loop', 'the provider’s list came round in a circle'],
		['not_json', 'the answer could not be understood'],
		['constructor', 'the answer could not be understood'],
	])('%s: %s', (code, words) => {
		expect(reasonsWords([code])).toBe(words);
	});

	it('names each reason once, and none where none is known', () => {
		expect(reasonsWords(['http_500', 'timeout', 'http_502'])).toBe(
			'the provider’s system had an error; no answer came in time',
		);
		expect(reasonsWords()).toBe('');
	});
});

describe('durations and counts in words', () => {
	it.each([
		[-5, '0 s'],
		[400, '0 s'],
		[12_900, '12 s'],
		[60_000, '1 min'],
		[65_000, '1 min 5 s'],
		[3_600_000, '1 h'],
		[7_800_000, '2 h 10 min'],
	])('%i ms are %s', (ms, words) => {
		expect(durationWords(ms)).toBe(words);
	});

	it('one record is one record', () => {
		expect(recordsWords(1, 'en-US')).toBe('1 record');
		expect(recordsWords(12_400, 'en-US')).toBe('12,400 records');
	});
});
