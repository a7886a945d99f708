/** Counts, sizes and durations in words. Pure: `locale` is a BCP 47 tag. */

export function countWords(count: number, locale: string): string {
	return new Intl.NumberFormat(locale).format(count);
}

/** Octets in kB, MB or GB of powers of 1000. */
export function bytesWords(bytes: number, locale: string): string {
	const units = ['kB', 'MB', 'GB'] as const;
	let value = bytes / 1000;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	const digits = unit === 0 || value >= 100 ? 0 : 1;
	return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** "0 s", "12 s", "1 min 5 s", "2 h 10 min", of milliseconds. */
export function durationWords(ms: number): string {
	const seconds = Math.max(0, Math.floor(ms / 1000));
	const minutes = Math.floor(seconds / 60);
	const hours = Math.floor(minutes / 60);
	const parts = hours
		? [`${hours} h`, minutes % 60 && `${minutes % 60} min`]
		: [minutes && `${minutes} min`, (seconds % 60 || !minutes) && `${seconds % 60} s`];
	return parts.filter(Boolean).join(' ');
}

/** "1 record", "12,400 records". */
export function recordsWords(count: number, locale: string): string {
	return `${countWords(count, locale)} ${count === 1 ? 'record' : 'records'}`;
}
