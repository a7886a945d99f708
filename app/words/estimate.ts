/** Fresh or from the copy, and about how much it is. `locale` is a BCP 47 tag. Pure. */
import type { Estimate } from '../../sw/contract.js';
import type { Total } from '../from.js';
import { bytesWords } from './amounts.js';

export const from = {
	legend: (name: string) => `Where the records of ${name} come from`,
	copy: (ago: string) => `Use the copy from ${ago}`,
	copyHint: 'Quick: it is on this device already.',
	copyLacks: (kinds: number) =>
		kinds === 1
			? 'Quick, but one kind could not be read the last time: it is missing or older.'
			: `Quick, but ${kinds} kinds could not be read the last time: they are missing or older.`,
	provider: 'Fetch now',
	providerHint: 'The newest, read from the provider.',
	onlyCopy: (ago: string) =>
		`Access has ended, so nothing new can be read. The copy from ${ago} can be used; sign in again for newer records.`,
};

export const estimate = {
	asking: 'Estimating how much this is…',
	unknown: 'How much this is will be known once it is read.',
	much: 'That is more than most assistants can hold at once; yours may read it bit by bit.',
	fewer: 'Fewer connections make it less.',
};

/** About how many tokens most assistants hold at once. */
const MOST_TOKENS = 200_000;

export function isMuch({ tokens }: Pick<Total, 'tokens'>): boolean {
	return tokens !== null && tokens > MOST_TOKENS;
}

/** "About 12,400 records, 23.1 MB, roughly 5.9 million AI tokens": no more exact than an estimate is; null without any. */
export function amountWords(total: Total, locale: string, tokens: boolean): string | null {
	const about = (value: number, digits: number) =>
		new Intl.NumberFormat(locale, { maximumSignificantDigits: digits }).format(value);
	const many = (value: number) =>
		new Intl.NumberFormat(locale, { notation: 'compact', compactDisplay: 'long', maximumSignificantDigits: 2 }).format(
			value,
		);
	const parts = [
		total.resources !== null && `${about(total.resources, 3)} ${total.resources === 1 ? 'record' : 'records'}`,
		total.bytes !== null && bytesWords(total.bytes, locale),
		tokens && total.tokens !== null && `roughly ${many(total.tokens)} AI tokens`,
	].filter(Boolean);
	return parts.length ? `${total.unknown ? 'At least about' : 'About'} ${parts.join(', ')}` : null;
}

/** What it is based on. */
export function basisWords(basis: Estimate['basis'], ago: string | null): string {
	switch (basis) {
		case 'copy':
			return ago ? `by the copy from ${ago}` : 'by the copy on this device';
		case 'last':
			return ago ? `by the last reading, ${ago}` : 'by the last reading';
		case 'counted':
			return ago ? `by counts that the provider gave ${ago}` : 'by counts that the provider gave';
		case 'unknown':
			return 'not known before it is read';
	}
}
