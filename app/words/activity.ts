/** The activity log in words. Pure: `now` is milliseconds since the epoch, `locale` a BCP 47 tag, the time zone the device's. */
import type { ActivityEntry } from '../../sw/contract.js';
import { countWords } from './amounts.js';
import { kindWords } from './kinds.js';

export const activity = {
	title: 'Activity',
	lead: 'What happened in this wallet, newest first. It is kept in this browser only and holds no records, only what kinds of them and how many.',
	empty: 'Nothing has happened here yet',
	emptyBody: 'Whatever is connected, checked, sent or removed is noted here from then on.',
	more: 'Show more',
	shown: (count: number) => (count === 1 ? '1 entry is shown.' : `${count} entries are shown.`),
	kinds: 'Kinds of records',
	moreKinds: (count: number) => `${count} more kinds`,
	export: 'Save as a file',
	exportBody: 'A table for any spreadsheet (CSV), with what this page shows and nothing else.',
	back: 'Settings',
	columns: ['When', 'What happened', 'Why', 'Kinds of records'],
	fileName: (day: string) => `satchel-activity-${day}.csv`,
};

const PROVIDER = 'a provider';
const ASSISTANT = 'an assistant';

/** One entry as a sentence without a full stop. What went wrong (`code`) and the kinds are told beside it. */
export function sentence(entry: ActivityEntry, locale: string): string {
	const { what, times, providerName, to, kinds } = entry;
	const name = providerName ?? PROVIDER;
	const often = times > 1 ? ` ${countWords(times, locale)} times` : '';
	switch (what) {
		case 'connected':
			return `Connected ${name}`;
		case 'reauthorized':
			return `Signed in again at ${name}`;
		case 'connect_failed':
			return `Could not connect ${name}`;
		case 'refreshed':
			return `Checked ${name}${often}: access works`;
		case 'refresh_failed':
			return `Could not check ${name}${often}`;
		case 'expired':
			return `Access to ${name} has ended`;
		case 'removed':
			return `Removed ${name}`;
		case 'sent':
			return `Sent ${records(kinds, locale)} from ${name} to ${to ?? ASSISTANT}`;
		case 'send_failed':
			return `Sending${providerName ? ` from ${providerName}` : ''} to ${to ?? ASSISTANT} did not succeed`;
		case 'downloaded':
			return `Collected ${records(kinds, locale)} from ${name} on this device`;
		case 'copy_on':
			return `Turned on the copy of ${name} on this device`;
		case 'copy_off':
			return `Turned off and deleted the copy of ${name} on this device`;
		case 'copied':
			return `Brought the copy of ${name} up to date${often}`;
		case 'copy_failed':
			return `Could not bring the copy of ${name} up to date${often}`;
		case 'lock_on':
			return 'Turned the lock on';
		case 'lock_off':
			return 'Turned the lock off';
		case 'backup_made':
			return 'Made a backup; renewing paused in this browser';
		case 'backup_restored':
			return 'Restored a backup';
		case 'resumed':
			return 'Renewing goes on in this browser';
	}
}

function records(kinds: ActivityEntry['kinds'], locale: string): string {
	const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
	return count === 1 ? '1 record' : `${countWords(count, locale)} records`;
}

/** "Lab results and vital signs (120)", most first. */
export function kindsWords(kinds: ActivityEntry['kinds'], locale: string): string[] {
	return [...kinds]
		.sort((a, b) => b.count - a.count)
		.map(({ type, count }) => `${kindWords(type)} (${countWords(count, locale)})`);
}

/** "Today", "Yesterday", "Tuesday, January 13", with the year where it is another than now's. */
export function dayWords(at: number, now: number, locale: string): string {
	const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
	const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
	if (days === 0) return 'Today';
	if (days === 1) return 'Yesterday';
	const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
	return new Intl.DateTimeFormat(locale, {
		weekday: 'long',
		month: 'long',
		day: 'numeric',
		...(sameYear ? {} : { year: 'numeric' }),
	}).format(at);
}
