import { describe, expect, test } from 'vitest';
import { dateOf, daysOf, instantOf, minuteOf, sortable } from '../../../relay/agent/dates.js';

test.each([
	['2019', '2019-01-01', '2019-12-31'],
	['2019-02', '2019-02-01', '2019-02-28'],
	['2020-02', '2020-02-01', '2020-02-29'],
	['2019-03-02', '2019-03-02', '2019-03-02'],
	['2019-03-02T23:30:00-05:00', '2019-03-02', '2019-03-02'],
	['2016-12-31T23:59:60Z', '2016-12-31', '2016-12-31'],
])('%s is the days from %s to %s', (date, first, last) => {
	expect(daysOf(date)).toEqual({ first, last });
	expect(dateOf(date)).toBe(date);
	expect(instantOf(date)).not.toBe(null);
});

test.each([
	'2019-02-30',
	'2019-13',
	'2019-00-01',
	'2019-04-31',
	'1900-02-29',
	'2019-03-02T10',
	'2019-03-02T25:00',
	'2019-03-02T10:00 or so',
	'02/03/2019',
	'20190302',
	'',
])('%j is no date', (date) => {
	expect([dateOf(date), daysOf(date), instantOf(date)]).toEqual([null, null, null]);
});

test('the first that is a date is taken', () => {
	expect(dateOf(undefined, 'soon', ['2019-02-30', '2019-02-28'], '2018')).toBe('2019-02-28');
});

describe('the order of time', () => {
	const ordered = [
		'2018',
		'2019-03-01T23:00:00Z',
		'2019-03-02',
		'2019-03-01T23:30:00-05:00',
		'2019-03-02T05:00:00',
		'2019-03-02T12:00:60+07:00',
		'2019-03-02T06:00:00Z',
	];

	test('is the same by text and by number', () => {
		expect([...ordered].reverse().sort((a, b) => (sortable(a) < sortable(b) ? -1 : 1))).toEqual(ordered);
		expect([...ordered].reverse().sort((a, b) => instantOf(a)! - instantOf(b)!)).toEqual(ordered);
	});

	test('has a year before its days', () => {
		expect(['2019-01-01', '2019'].sort((a, b) => (sortable(a) < sortable(b) ? -1 : 1))).toEqual(['2019', '2019-01-01']);
	});
});

test('the minute is the one of where it was written', () => {
	expect([minuteOf('2019-03-02T23:30:15-05:00'), minuteOf('2019-03')]).toEqual(['2019-03-02 23:30', '2019-03']);
});
