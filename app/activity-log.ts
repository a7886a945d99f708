/** The activity log put in order for the screen, and as a file. Pure. */
import type { ActivityEntry, ErrorCode } from '../sw/contract.js';
import { kindsWords, sentence, activity as w } from './words/activity.js';

export interface Day {
	/** A moment of it. */
	at: number;
	entries: ActivityEntry[];
}

/** Entries of one calendar day of this device together, in their order. */
export function byDay(entries: ActivityEntry[]): Day[] {
	const days: Day[] = [];
	for (const entry of entries) {
		// Not only the last one: a clock that was set back puts days in between.
		const known = days.find((day) => dayOf(day.at) === dayOf(entry.at));
		if (known) known.entries.push(entry);
		else days.push({ at: entry.at, entries: [entry] });
	}
	return days;
}

/** "2026-01-22", on this device's clock. */
export function dayOf(at: number): string {
	const date = new Date(at);
	return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
}

/** "2026-01-22 15:40:05": ISO 8601 as spreadsheets read it. */
function momentOf(at: number): string {
	const date = new Date(at);
	return `${dayOf(at)} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')}`;
}

const twoDigits = (number: number) => String(number).padStart(2, '0');

/**
 * The log as CSV (RFC 4180), with a byte order mark, without which Excel takes UTF-8 for something else.
 * @param title what an error code means, in a few words
 */
export function toCsv(entries: ActivityEntry[], title: (code: ErrorCode) => string, locale: string): string {
	const rows = entries.map((entry) => [
		momentOf(entry.at),
		sentence(entry, locale),
		entry.code ? title(entry.code) : '',
		kindsWords(entry.kinds, locale).join('; '),
	]);
	return `\ufeff${[w.columns, ...rows].map((row) => row.map(field).join(',')).join('\r\n')}\r\n`;
}

/**
 * Providers and assistants name themselves, and a spreadsheet would run a name that begins like a formula (OWASP, "CSV
 * injection"): such a field begins with an apostrophe.
 */
function field(text: string): string {
	const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
