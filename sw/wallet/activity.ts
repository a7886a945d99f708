/**
 * The log of what happened in the wallet, for the person's eyes: sealed like everything else, and never more than it says.
 * It is one row, so that adding an entry, counting on the last one and dropping the oldest are one write.
 */
import { promisifyRequest } from 'idb-keyval';
import type { ActivityEntry, Reply } from '../contract.js';
import { type RowKey, wallet } from './db.js';
import { type Change, commit, read, retried } from './rows.js';

/** What can be said of an event; what is left out is null, empty or now. */
export type Happening = Pick<ActivityEntry, 'what'> &
	Partial<Omit<ActivityEntry, 'id' | 'times' | 'what'>> & {
		/** The same event told twice (by a worker after another one's death) is written down once. Shown to nobody. */
		once?: string;
	};

type Stored = ActivityEntry & { once?: string };

/** Oldest first. An entry's `id` is its number; `next` is the number of the next one. */
interface Log {
	next: number;
	entries: Stored[];
}

const LOG: RowKey = ['activity'];

/** The oldest go first. Hourly refreshes of a connection are one entry, so this is years for most people. */
export const MOST_ENTRIES = 1_000;

/** What is counted instead of repeated. */
const COUNTED = new Set<ActivityEntry['what']>(['refreshed', 'refresh_failed']);

/** One after the other in this worker; another worker's entry in between is a conflict, and then it is tried again. */
let queue: Promise<void> = Promise.resolve();

/**
 * Writes it down. Never rejects: no event is worth less because it could not be noted. In a locked wallet, and in one that
 * was cleared, nothing is written. Await it, or `recorded()`, inside the event's `waitUntil`.
 */
export function record(happening: Happening): Promise<void> {
	const at = happening.at ?? Date.now();
	queue = queue.then(() => write({ ...happening, at })).catch(() => undefined);
	return queue;
}

/** Resolves when everything that was recorded so far is on disk, or could not be written. */
export function recorded(): Promise<void> {
	return queue;
}

function write(happening: Happening & { at: number }): Promise<void> {
	return retried(async () => {
		// Clear All leaves nothing behind: what ends after it must not begin a new wallet to note its end in.
		if (!(await wallet('readonly', (store) => promisifyRequest(store.count())))) return;
		const changes = await noted(happening);
		if (changes.length > 0) await commit(changes);
	});
}

/** The change that writes it down, for a transaction of the event's own; none where it is noted already. */
export async function noted(happening: Happening & { at: number }): Promise<Change[]> {
	const row = await read<Log>(LOG);
	const log = add(row?.value ?? { next: 1, entries: [] }, happening);
	return log ? [{ key: LOG, expect: row?.revision ?? 0, value: log }] : [];
}

/** @returns null where it is noted already */
function add({ next, entries }: Log, happening: Happening & { at: number }): Log | null {
	const { once } = happening;
	if (once !== undefined && entries.some((entry) => entry.once === once)) return null;
	const entry: Stored = {
		id: String(next),
		at: happening.at,
		times: 1,
		what: happening.what,
		providerName: happening.providerName ?? null,
		connectionId: happening.connectionId ?? null,
		code: happening.code ?? null,
		to: happening.to ?? null,
		// Counts by name and nothing else, whatever the caller's objects carry.
		kinds: (happening.kinds ?? []).map(({ type, count }) => ({ type, count })),
		...(once === undefined ? {} : { once }),
	};
	const before = COUNTED.has(entry.what) ? lastOf(entries, entry.connectionId) : undefined;
	if (before?.what === entry.what && before.code === entry.code) {
		// It moves to the end under a new number, so that numbers stay in the order of time and paging loses nothing.
		const others = entries.filter((other) => other !== before);
		return { next: next + 1, entries: [...others, { ...entry, times: before.times + 1 }] };
	}
	return { next: next + 1, entries: [...entries, entry].slice(-MOST_ENTRIES) };
}

function lastOf(entries: Stored[], connectionId: string | null): Stored | undefined {
	return entries.filter((entry) => entry.connectionId === connectionId).at(-1);
}

/**
 * A page of the log, newest first.
 * @param before an entry's id: only older ones follow, also where that entry itself is gone by now
 * @throws {BrokerError} `locked`, and what reading a row throws
 */
export async function listActivity(before: string | null, limit: number): Promise<Reply<'activity.list'>> {
	// What this worker is about to write belongs on the page that asks because of it.
	await recorded();
	const { entries } = (await read<Log>(LOG))?.value ?? { entries: [] };
	const older = entries.filter(({ id }) => before === null || Number(id) < Number(before)).reverse();
	const page = older.slice(0, Math.max(1, Math.min(limit, MOST_ENTRIES)));
	return { entries: page.map(({ once: _, ...entry }) => entry), more: older.length > page.length };
}
