/** What became of the readings into a copy. */
import type { SyncEntry } from '../contract.js';
import { read, upsert } from '../wallet/rows.js';
import { historyKey } from './copy.js';

/** Newest first. */
export interface History {
	entries: SyncEntry[];
}

const MOST = 30;

export async function historyOf(id: string): Promise<History> {
	return (await read<History>(historyKey(id)))?.value ?? { entries: [] };
}

export function withEntry(history: History | undefined, entry: SyncEntry): History {
	return { entries: [entry, ...(history?.entries ?? [])].slice(0, MOST) };
}

/** Once, however often it is told: `at` is the job's end. */
export async function noteFailedReading(id: string, entry: SyncEntry): Promise<void> {
	await upsert<History>(historyKey(id), (history) =>
		history?.entries.some(({ at }) => at === entry.at) ? undefined : withEntry(history, entry),
	);
}
