/** Copies of records on this device: the screen of one connection's, and the section of the settings. */
import { type CopyDetail, isUnread, type SyncEntry } from '../../sw/contract.js';
import { bytesWords, countWords, durationWords } from './amounts.js';
import { fromWords, timeWords } from './dates.js';
import { kindWords } from './kinds.js';

export const copies = {
	title: 'Records on this device',
	back: 'Your connections',
	off: 'No copy is kept. Records are read from the provider each time you send or collect them, and not stored.',
	points: [
		'With a copy, sending and collecting start at once, and work while the provider is down.',
		'It is stored encrypted in this browser, on this device only.',
		'It needs about as much room as your records: a few megabytes for most people, hundreds with scanned documents.',
		'One tap deletes it again.',
	],
	keep: 'Keep a copy on this device',
	drop: 'Delete the copy',
	dropNone: 'Do not keep a copy',
	dropTitle: 'Delete the only copy?',
	dropBody: 'Access to this provider has ended, so the records cannot be read again until you sign in there.',
	dropped: 'The copy was deleted, and none is kept from now on.',
	droppedNone: 'No copy is kept from now on.',
	dropping: 'Deleting…',
	updateNow: 'Update now',
	stop: 'Stop',
	holds: (records: string, bytes: string) => `${records}, ${bytes}`,
	/** `lacks`: what it is without, or has from an older reading only; empty for nothing. */
	read: (ago: string, lacks: string) => `Brought up to date ${ago}${lacks && `, but ${lacks}`}`,
	where: 'Stored encrypted, in this browser on this device only.',
	none: 'There is no copy yet',
	noneBody: 'No reading has come to its end so far. “Update now” begins again.',
	first: 'Reading your records for the first time…',
	updating: 'Bringing the copy up to date…',
	soFar: (records: string) => `${records} so far`,
	paused: 'Paused. It goes on by itself.',
	expired: 'Access has ended: the copy stays as it is and can be used. Sign in again to bring it up to date.',
	expiredNone: 'Access has ended: sign in again to keep a copy.',
	reauthorize: 'Re-authorize',
	offline: 'You are offline. The copy can be used, and updated later.',
	unread: 'Could not be read',
	unreadSome: 'Some could not be read',
	refused: 'Not given out by the provider',
	kindsTitle: 'What the copy holds',
	columns: ['Kind', 'Records', 'Read'],
	nothingUnder: (kinds: string) => `Nothing under: ${kinds}`,
	historyTitle: 'When it was read',
	opening: 'Looking at what is here…',

	lead: 'Satchel can keep an encrypted copy of a connection’s records, so that they need not be read anew each time. It is off until you turn it on for a connection.',
	prefer: 'When a copy is there, propose',
	preferOptions: {
		copy: ['To use the copy', 'Quick. You can still choose to fetch.'],
		fetch: ['To fetch the records now', 'The newest, as long as the provider answers.'],
	},
	schedule: 'Bring copies up to date',
	scheduleHint:
		'This happens while Satchel is open. Where it is installed, some browsers also do it now and then in the background. “Update now” works at any time.',
	scheduleLocked: 'While Satchel is locked, nothing is read.',
	scheduleOptions: { off: 'Only when I say so', hourly: 'Every hour', daily: 'Every day', weekly: 'Every week' },
	saved: 'Saved.',
	listTitle: 'Your copies',
	listEmpty: 'There is no connection yet.',
	notKept: 'No copy',
	pending: 'No copy yet',
	each: (records: string, bytes: string, ago: string, lacking: boolean) =>
		`${records}, ${bytes}, from ${ago}${lacking ? '; some kinds are older or missing' : ''}`,
	open: 'Open',
	openFor: (name: string) => `Open the records of ${name} on this device`,
	total: (bytes: string) => `Together ${bytes} of records, stored compressed.`,
};

/** So many kinds are named in a sentence. */
const MOST_NAMED = 3;

/** "Allergies are from 3 days ago and Health goals could not be read": what was not brought up to date at `at`. */
export function copyLacks(kinds: CopyDetail['kinds'], at: number, now: number, locale: string): string {
	const unread = kinds.filter((kind) => isUnread(kind));
	if (unread.length > MOST_NAMED) return `${countWords(unread.length, locale)} kinds could not be read`;
	const parts = unread.map((kind) => {
		const name = kindWords(kind.type);
		if (kind.count === 0) return `${name} could not be read`;
		if (kind.at >= at) return `some ${name} could not be read`;
		const [old, then] = [fromWords(kind.at, now, locale), fromWords(at, now, locale)];
		return `${name} are from ${old === then ? timeWords(kind.at, locale) : old}`;
	});
	return new Intl.ListFormat(locale).format(parts);
}

/** "Everything was read: 12 added, 3 changed, 1 removed"; a reading that failed left the copy as it was. */
export function readingWords(entry: SyncEntry, locale: string): string {
	const { mode, status, added, changed, removed } = entry;
	if (status === 'failed') return 'Did not work; the copy stayed as it was';
	const parts = [
		[added, 'added'],
		[changed, 'changed'],
		[removed, 'removed'],
	] as const;
	const what = parts.filter(([count]) => count > 0).map(([count, word]) => `${countWords(count, locale)} ${word}`);
	const how = mode === 'full' ? 'Read everything' : 'Read only what changed';
	return `${how}: ${what.join(', ') || 'nothing new'}${status === 'partial' ? '; some kinds could not be read' : ''}`;
}

/** "2.1 MB, 40 requests, 14 s". */
export function effortWords({ bytes, requests, ms }: SyncEntry, locale: string): string {
	return [
		bytesWords(bytes, locale),
		requests === 1 ? '1 request' : `${countWords(requests, locale)} requests`,
		durationWords(ms),
	].join(', ');
}
