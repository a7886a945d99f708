import { describe, expect, it } from 'vitest';
import { byDay, toCsv } from '../../app/activity-log.js';
import { activity, dayWords, kindsWords, sentence } from '../../app/words/activity.js';
import { errorWords } from '../../app/words/errors.js';
import type { ActivityEntry } from '../../sw/contract.js';

const at = (month: number, day: number, hour = 9, minute = 0, year = 2026) =>
	new Date(year, month - 1, day, hour, minute).getTime();
const now = at(1, 17, 12);

let ids = 0;
const entry = (change: Partial<ActivityEntry> = {}): ActivityEntry => ({
	id: String(++ids),
	at: now,
	times: 1,
	what: 'connected',
	providerName: 'Lakeside Health',
	connectionId: 'c1',
	code: null,
	to: null,
	kinds: [],
	...change,
});
const say = (change: Partial<ActivityEntry>) => sentence(entry(change), 'en-US');
const kinds = [
	{ type: 'Condition', count: 14 },
	{ type: 'Observation', count: 1200 },
];
const csv = (...entries: ActivityEntry[]) => toCsv(entries, (code) => errorWords[code].title, 'en-US');

/** RFC 4180, as a spreadsheet reads it. */
function parse(text: string): string[][] {
	const rows: string[][] = [[]];
	for (const [, quoted, bare, end] of text
		.replace(/^\ufeff/, '')
		.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)) {
		rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
		if (end === '\r\n') rows.push([]);
	}
	return rows.slice(0, -1);
}

describe('the activity log in words', () => {
	it.each<[Partial<ActivityEntry>, string]>([
		[{ what: 'connected' }, 'Connected Lakeside Health'],
		[{ what: 'connect_failed', code: 'access_denied' }, 'Could not connect Lakeside Health'],
		[{ what: 'refreshed' }, 'Checked Lakeside Health: access works'],
		[{ what: 'refreshed', times: 1234 }, 'Checked Lakeside Health 1,234 times: access works'],
		[{ what: 'refresh_failed', times: 3, code: 'timeout' }, 'Could not check Lakeside Health 3 times'],
		[{ what: 'expired' }, 'Access to Lakeside Health has ended'],
		[{ what: 'sent', to: 'My assistant', kinds }, 'Sent 1,214 records from Lakeside Health to My assistant'],
		[{ what: 'sent', kinds: [{ type: 'Goal', count: 1 }] }, 'Sent 1 record from Lakeside Health to an assistant'],
		[{ what: 'send_failed', to: 'My assistant' }, 'Sending from Lakeside Health to My assistant did not succeed'],
		[{ what: 'send_failed', providerName: null, to: 'Helper' }, 'Sending to Helper did not succeed'],
		[{ what: 'downloaded', kinds }, 'Collected 1,214 records from Lakeside Health on this device'],
		[{ what: 'removed', providerName: null }, 'Removed a provider'],
	])('%o is a plain sentence', (change, words) => {
		expect(say(change)).toBe(words);
	});

	it('everything that can happen has a sentence of its own', () => {
		const all: ActivityEntry['what'][] = [
			'connected',
			'reauthorized',
			'refreshed',
			'refresh_failed',
			'expired',
			'removed',
			'sent',
			'send_failed',
			'downloaded',
			'lock_on',
			'lock_off',
			'backup_made',
			'backup_restored',
			'resumed',
		];
		const sentences = all.map((what) => say({ what }));
		for (const words of sentences) expect(words).toMatch(/^[A-Z][^_]*[^.]$/);
		expect(new Set(sentences).size).toBe(all.length);
	});

	it('kinds are told in plain words, the most first, without changing what was given', () => {
		expect(kindsWords(kinds, 'en-US')).toEqual([
			'Lab results and vital signs (1,200)',
			'Conditions and diagnoses (14)',
		]);
		expect(kinds[0]?.type).toBe('Condition');
	});

	it.each([
		[at(1, 17, 0, 1), 'Today'],
		[at(1, 16, 23, 59), 'Yesterday'],
		[at(1, 13), 'Tuesday, January 13'],
		[at(12, 24, 9, 0, 2025), 'Wednesday, December 24, 2025'],
	])('the day of %i is %s', (moment, words) => {
		expect(dayWords(moment, now, 'en-US')).toBe(words);
	});
});

describe('the log by days', () => {
	it('entries of one day stand together in their order, also where the clock was set back in between', () => {
		const entries = [at(1, 17, 9), at(1, 16, 23), at(1, 17, 8), at(1, 15)].map((moment) => entry({ at: moment }));
		const days = byDay(entries);
		expect(days.map((day) => day.entries.map(({ at }) => at))).toEqual([
			[at(1, 17, 9), at(1, 17, 8)],
			[at(1, 16, 23)],
			[at(1, 15)],
		]);
	});
});

describe('the log as a file', () => {
	it('has a row for each entry: when, the sentence, why it failed, and the kinds', () => {
		const rows = parse(
			csv(
				entry({ at: at(1, 22, 15, 40), what: 'sent', to: 'My assistant', kinds }),
				entry({ at: at(1, 2, 3, 4), what: 'refresh_failed', code: 'timeout' }),
			),
		);
		expect(rows).toEqual([
			activity.columns,
			[
				'2026-01-22 15:40:00',
				'Sent 1,214 records from Lakeside Health to My assistant',
				'',
				'Lab results and vital signs (1,200); Conditions and diagnoses (14)',
			],
			['2026-01-02 03:04:00', 'Could not check Lakeside Health', 'The answer took too long', ''],
		]);
	});

	it('carries no id, and nothing that the entry has beyond what is shown', () => {
		const text = csv(entry({ id: 'entry-id', connectionId: 'connection-id', code: 'internal' }));
		expect(text).not.toMatch(/entry-id|connection-id|internal/);
	});

	it('a name with quotes, commas and line ends stays one field', () => {
		const name = 'Dr. "Ace", Sons\r\n& Co';
		expect(parse(csv(entry({ providerName: name })))[1]?.[1]).toBe(`Connected ${name}`);
	});

	it.each(['=1+1', '+1', '-1', '@x'])(
		'a field that begins like a formula (%s) is not run by a spreadsheet',
		(start) => {
			const text = toCsv([entry({ what: 'refresh_failed', code: 'timeout' })], () => `${start}()`, 'en-US');
			expect(parse(text)[1]?.[2]).toBe(`'${start}()`);
		},
	);

	it('says that it is UTF-8', () => {
		expect(csv(entry({ providerName: 'Åker' }))).toMatch(/^\ufeffWhen,/);
	});
});
