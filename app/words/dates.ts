/**
 * Dates, times and expiry in words. Pure: `now` is milliseconds since the epoch, `locale` a BCP 47 tag, the time
 * zone that of the device.
 */
import type { ConnectionView } from '../../sw/contract.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Making a format costs far more than using it, and a list of connections uses hundreds. */
const made = new Map<string, unknown>();
function once<T>(key: string, make: () => T): T {
	if (!made.has(key)) made.set(key, make());
	return made.get(key) as T;
}

function format(at: number, locale: string, options: Intl.DateTimeFormatOptions): string {
	return once(locale + JSON.stringify(options), () => new Intl.DateTimeFormat(locale, options)).format(at);
}

/** How many midnights lie between two moments, on this device's clock. */
function daysBetween(from: number, to: number): number {
	const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
	return Math.round((midnight(to) - midnight(from)) / DAY);
}

/** "Jan 22", with the year where it is another than now's. */
function dateWords(at: number, now: number, locale: string): string {
	const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
	return format(at, locale, { month: 'short', day: 'numeric', ...(sameYear ? {} : { year: 'numeric' }) });
}

/** "3:40 PM" or "15:40", as the locale has it. */
export function timeWords(at: number, locale: string): string {
	return format(at, locale, { hour: 'numeric', minute: '2-digit' });
}

/** "just now", "12 minutes ago", "3 hours ago", "yesterday", "Jan 22". */
export function agoWords(at: number, now: number, locale: string): string {
	const past = now - at;
	if (past < 2 * MINUTE) return 'just now';
	const relative = once(locale, () => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }));
	if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), 'minute');
	const days = daysBetween(at, now);
	if (days === 0) return relative.format(-Math.floor(past / HOUR), 'hour');
	if (days < 7) return relative.format(-days, 'day');
	return dateWords(at, now, locale);
}

/** What comes after "from" or "of": "moments ago", "12 minutes ago", "yesterday", "Jan 22". */
export function fromWords(at: number, now: number, locale: string): string {
	const ago = agoWords(at, now, locale);
	return ago === 'just now' ? 'moments ago' : ago;
}

/** What comes after "since": "3:40 PM" today, else "Jan 22"; never a moment to come, which a clock that was wrong had noted. */
export function sinceWords(since: number, now: number, locale: string): string {
	const at = Math.min(since, now);
	return daysBetween(at, now) === 0 ? timeWords(at, locale) : dateWords(at, now, locale);
}

/** "42 minutes left", "less than a minute left", "ended". */
export function leftWords(until: number, now: number): string {
	const left = until - now;
	if (left <= 0) return 'ended';
	const minutes = Math.floor(left / MINUTE);
	if (minutes < 1) return 'less than a minute left';
	return minutes === 1 ? '1 minute left' : `${minutes} minutes left`;
}

/** "today at 3:40 PM", "tomorrow at 9:00 AM", "Jan 22 at 9:00 AM". */
function momentWords(at: number, now: number, locale: string): string {
	const days = daysBetween(now, at);
	const day = days === 0 ? 'today' : days === 1 ? 'tomorrow' : dateWords(at, now, locale);
	return `${day} at ${timeWords(at, locale)}`;
}

/**
 * When access ends, as far as known. An end that has passed is called expired only when the connection is: being offline
 * does not make it so.
 */
export function expiryWords(
	{ expiry, renewable, status }: Pick<ConnectionView, 'expiry' | 'renewable' | 'status'>,
	now: number,
	locale: string,
): string {
	if (status === 'expired') {
		return expiry.kind === 'at' && expiry.at <= now ? `Expired ${dateWords(expiry.at, now, locale)}` : 'Expired';
	}
	if (expiry.kind === 'none') return 'No expiry set';
	// A row of an earlier version may name a moment that no calendar has.
	if (expiry.kind === 'unknown' || Number.isNaN(new Date(expiry.at).getTime()))
		return 'Expiry not told by this provider';
	if (!renewable) {
		const days = daysBetween(now, expiry.at);
		const verb = expiry.at <= now ? 'Ended' : 'Ends';
		const when = days === 0 ? `at ${timeWords(expiry.at, locale)} today` : momentWords(expiry.at, now, locale);
		return `${verb} ${when}; this provider does not allow longer access`;
	}
	if (expiry.at <= now) return `Was due to expire ${dateWords(expiry.at, now, locale)}`;
	const days = daysBetween(now, expiry.at);
	const end = days < 2 ? momentWords(expiry.at, now, locale) : dateWords(expiry.at, now, locale);
	// Each refresh moves it.
	if (expiry.renews) return `No expiry set, as long as it is used before ${end}`;
	return days < 2 ? `Expires ${end}` : `Expires ${end} (${days.toLocaleString(locale)} days left)`;
}

/** A FHIR date ("1987", "1987-02", "1987-02-20"), as exact as it is; what is none stays as it came. */
export function birthDateWords(date: string, locale: string): string {
	const [, year, month, day] = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(date) ?? [];
	const at = Date.parse(date);
	if (!year || Number.isNaN(at)) return date;
	return format(at, locale, {
		timeZone: 'UTC',
		year: 'numeric',
		...(month ? { month: day ? 'short' : 'long' } : {}),
		...(day ? { day: 'numeric' } : {}),
	});
}
