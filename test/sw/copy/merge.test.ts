import { describe, expect, test } from 'vitest';
import type { Entry, Index } from '../../../sw/copy/lines.js';
import { mergeIndex, mergeReports } from '../../../sw/copy/merge.js';

const index = (...entries: [id: string, stream: number, hash: string][]): Index =>
	new Map(entries.map(([id, stream, hash]) => [id, [stream, 10, hash] as Entry]));
const places = (of: Index) => Object.fromEntries([...of].map(([id, [stream, , hash]]) => [id, `${stream} ${hash}`]));

describe('the index of a type after a reading', () => {
	const old = index(['a', 0, 'A'], ['b', 0, 'B'], ['c', 1, 'C']);

	test('of everything is what was read, and what is not in it has gone', () => {
		const made = mergeIndex('all', old, 2, index(['a', 0, 'A'], ['b', 0, 'B2'], ['d', 0, 'D']));
		expect(places(made.index)).toEqual({ a: '0 A', b: '0 B2', d: '0 D' });
		expect(made).toMatchObject({ streams: [2], added: 1, changed: 1, removed: 1 });
	});

	test.each(['since', 'some'] as const)('of what changed (%s) has the new lines beside the old ones', (how) => {
		const made = mergeIndex(how, old, 2, index(['b', 0, 'B2'], ['d', 0, 'D']));
		expect(places(made.index)).toEqual({ a: '0 A', b: '2 B2', c: '1 C', d: '2 D' });
		expect(made).toMatchObject({ streams: [0, 1, 2], added: 1, changed: 1, removed: 0 });
	});

	test('keeps no stream in which no line counts any more', () => {
		const made = mergeIndex('since', old, 2, index(['c', 0, 'C2']));
		expect(places(made.index)).toEqual({ a: '0 A', b: '0 B', c: '1 C2' });
		expect(made.streams).toEqual([0, 2]);
	});

	test('is as it was where what was read had not changed', () => {
		const made = mergeIndex('since', old, 2, index(['a', 0, 'A'], ['c', 0, 'C']));
		expect(places(made.index)).toEqual(places(old));
		expect(made).toMatchObject({ streams: [0, 1], added: 0, changed: 0, removed: 0 });
	});

	test('of nothing loses nothing', () => {
		expect(places(mergeIndex('none', old, 2, index()).index)).toEqual(places(old));
	});
});

describe('the reports of a type after a reading', () => {
	const query = 'Goal?patient=p1';
	const then = '2026-01-01T00:00:00.000Z';
	const old = [{ query, status: 'ok' as const, count: 5 }];

	test('that failed say so, and from when the copy is', () => {
		const failed = [{ query, status: 'failed' as const, count: 0, reason: 'http_500' }];
		expect(mergeReports('none', old, failed, then, 5)).toEqual([{ ...failed[0], keptFrom: then }]);
	});

	test('that failed where there never was anything claim nothing to be kept', () => {
		const failed = [{ query, status: 'failed' as const, count: 0, reason: 'http_500' }];
		expect(mergeReports('none', [], failed, null, 0)).toEqual(failed);
	});

	test('of what changed count what the copy holds, and forget a failure that is over', () => {
		const fresh = [{ query, status: 'empty' as const, count: 0 }];
		expect(mergeReports('since', old, fresh, then, 5)).toEqual(old);
		const failed = [{ query, status: 'failed' as const, count: 0, reason: 'http_500', keptFrom: then }];
		expect(mergeReports('since', failed, [{ query, status: 'ok', count: 2 }], then, 7)).toEqual([
			{ query, status: 'ok', count: 2 },
		]);
	});

	test('that found nothing, without it being certain that there is nothing, say from when the copy is', () => {
		const fresh = [{ query, status: 'empty' as const, count: 0 }];
		expect(mergeReports('some', old, fresh, then, 5)).toEqual([{ ...old[0], keptFrom: then }]);
	});

	test('of everything are the reading’s own', () => {
		const fresh = [{ query, status: 'empty' as const, count: 0 }];
		expect(mergeReports('all', old, fresh, then, 0)).toEqual(fresh);
	});
});
