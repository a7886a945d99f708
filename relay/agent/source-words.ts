/** What a source brought and what it did not, in words. */
import type { QueryReport } from '../contract.js';
import { isGap } from '../report.js';
import type { SourceEntry } from './files/records.js';

/** A query of nothing that can be named is about everything. */
const ANYTHING = 'something else';

/**
 * A line each: kinds of resources, which hold no id of a patient. A kind of which one query of several failed is named too.
 * @param label what the source is called: its name is a stranger's text, its folder is not
 * @param about the kinds of resources that matter; null: all
 */
export function wordsForSource(
	{ resources, fetchedAt, queries }: SourceEntry,
	label: string,
	about: ReadonlySet<string> | null = null,
): string[] {
	const asked = queries.filter((query) => isAbout(query, about));
	const [failed, refused, kept] = (['failed', 'refused', 'kept'] as const).map((how) =>
		asked.filter((query) => missing(query) === how),
	) as [QueryReport[], QueryReport[], QueryReport[]];
	const at = timesOf([fetchedAt, ...kept.map(({ keptFrom }) => keptFrom)]);
	const lines = [`${label}: ${count(resources, 'record')}${at(fetchedAt, ', read on ')}.`];
	if (failed.length > 0)
		lines.push(`  Could not be read (which does not mean that there is nothing): ${kinds(failed)}.`);
	if (refused.length > 0) lines.push(`  The provider does not allow reading: ${kinds(refused)}.`);
	if (kept.length > 0) lines.push(`  Could not be read this time, and is from an older reading: ${kinds(kept, at)}.`);
	return lines;
}

/** Whether something that was asked about is missing, or older. */
export function hasGaps({ queries }: SourceEntry, about: ReadonlySet<string> | null): boolean {
	return queries.some((query) => isAbout(query, about) && missing(query) !== 'no');
}

function missing(report: QueryReport): 'kept' | 'refused' | 'failed' | 'no' {
	if (!isGap(report)) return 'no';
	if (report.keptFrom !== undefined) return 'kept';
	return report.status === 'refused' ? 'refused' : 'failed';
}

function isAbout(query: QueryReport, about: ReadonlySet<string> | null): boolean {
	const kind = kindOf(query);
	return about === null || about.has(kind) || kind === ANYTHING;
}

function kindOf({ query }: QueryReport): string {
	return /^[A-Za-z]{1,64}(?=[/?]|$)/.exec(query)?.[0] ?? ANYTHING;
}

/** `Condition, Goal`, each once, and with `at` the time of each reading: `Condition (2026-11-19)`. */
function kinds(queries: QueryReport[], at?: Times): string {
	const named = queries.map((query) => kindOf(query) + (at ? at(query.keptFrom, ' (', ')') : ''));
	return [...new Set(named)].sort().join(', ');
}

type Times = (time: string | undefined, before: string, after?: string) => string;

const DAY = 'YYYY-MM-DD'.length;

/**
 * Says when something was read: the day, and where readings of one day are told apart, the minute. A time that is none is
 * not said: it is a stranger's words.
 */
function timesOf(all: (string | undefined)[]): Times {
	const times = new Set(all.flatMap((time) => timeOf(time) ?? []));
	const days = new Set([...times].map((time) => time.slice(0, DAY)));
	const length = days.size < times.size ? undefined : DAY;
	return (time, before, after = '') => {
		const said = timeOf(time)?.slice(0, length);
		return said ? before + said + after : '';
	};
}

/** `2026-11-22 14:05 UTC`: the same wherever it is said; null for what is no ISO 8601 time. */
export function timeOf(time: string | undefined): string | null {
	const at = new Date(time !== undefined && /^\d{4}-\d{2}-\d{2}(?:T|$)/.test(time) ? time : Number.NaN);
	return Number.isNaN(at.getTime()) ? null : `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `1 record`, `2 records`, `2 queries`. */
export function count(number: number, one: string): string {
	return `${number} ${number === 1 ? one : one.endsWith('y') ? `${one.slice(0, -1)}ies` : `${one}s`}`;
}
