/** What a reading changes in the copy of one type. Pure. */
import type { QueryReport } from '../../relay/contract.js';
import { isGap } from '../../relay/report.js';
import type { Reading } from '../fhir/readings.js';
import type { Index } from './lines.js';

export interface Changes {
	added: number;
	changed: number;
	removed: number;
}

export interface Merged extends Changes {
	index: Index;
	/** Numbers of those streams, the old ones and then the new one, that hold lines that count. The index's numbers are places in this list. */
	streams: number[];
}

/**
 * @param how what was read of the type; only `all` tells that something is gone
 * @param old of the copy, whose streams are `0` to `streams - 1`
 * @param fresh of what was read: one stream
 */
export function mergeIndex(how: Reading['how'], old: Index, streams: number, fresh: Index): Merged {
	const made: Merged = { index: new Map(), streams: [], added: 0, changed: 0, removed: 0 };
	const whole = how === 'all';
	for (const [id, entry] of old) {
		if (fresh.has(id)) continue;
		if (whole) made.removed++;
		else made.index.set(id, entry);
	}
	for (const [id, [, octets, hash]] of fresh) {
		const before = old.get(id);
		if (!before) made.added++;
		else if (before[2] !== hash) made.changed++;
		// As it was: the old line stays, so that a stream in which nothing is new need not be kept.
		made.index.set(id, before?.[2] === hash && !whole ? before : [streams, octets, hash]);
	}
	made.streams = [...new Set([...made.index.values()].map(([stream]) => stream))].sort((a, b) => a - b);
	const place = new Map(made.streams.map((stream, i) => [stream, i]));
	for (const [id, [stream, ...rest]] of made.index) made.index.set(id, [place.get(stream) ?? 0, ...rest]);
	return made;
}

/** Nothing came, and it is not certain that there is nothing: what there was stays. */
export function isDoubted(how: Reading['how'], fresh: readonly QueryReport[]): boolean {
	const asked = fresh.filter(({ optional }) => !optional);
	return how === 'some' && asked.length > 0 && asked.every(({ status }) => status === 'empty');
}

/**
 * The reports of one type after a reading.
 * @param keptFrom when what the copy has was read, ISO 8601; null where it has nothing
 * @param count of the copy from now on
 */
export function mergeReports(
	how: Reading['how'],
	old: QueryReport[],
	fresh: QueryReport[],
	keptFrom: string | null,
	count: number,
): QueryReport[] {
	if (how === 'all' || !keptFrom) return fresh;
	if (isDoubted(how, fresh)) return old.map((report) => ({ keptFrom, ...report }));
	if (!fresh.some(isGap)) {
		// Only what changed was asked: the copy's own reports still say what it holds, and no failure of old is left.
		const good = old.filter((report) => !isGap(report));
		const [only, another] = good;
		if (only && !another) return [{ ...only, status: count > 0 ? 'ok' : 'empty', count }];
		return good.length > 0 ? good : fresh;
	}
	return fresh.map((report) => {
		if (isGap(report)) return { ...report, keptFrom };
		const before = old.find(({ query }) => query === report.query);
		return before && !isGap(before) && before.count > report.count ? { ...before } : report;
	});
}
