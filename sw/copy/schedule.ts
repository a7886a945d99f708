/** How records are collected for all connections, and which copies are due to be brought up to date. */
import { type Collecting, isOver } from '../contract.js';
import { runSlice } from '../jobs/engine.js';
import { listJobs } from '../jobs/store.js';
import { type Connection, isExpired, listConnections } from '../wallet/connections.js';
import type { RowKey } from '../wallet/db.js';
import { pausedSince } from '../wallet/pause.js';
import { read, upsert } from '../wallet/rows.js';
import { isKeepOf } from './copy.js';
import { historyOf } from './history.js';
import { startKeep } from './keep.js';

const KEY: RowKey = ['collecting'];
const DEFAULT: Collecting = { prefer: 'fetch', schedule: 'off' };

export async function getCollecting(): Promise<Collecting> {
	return (await read<Collecting>(KEY))?.value ?? DEFAULT;
}

export async function setCollecting({ prefer, schedule }: Collecting): Promise<void> {
	await upsert<Collecting>(KEY, () => ({ prefer, schedule }));
}

const HOUR = 60 * 60_000;
const EVERY: Record<Collecting['schedule'], number> = {
	off: Number.POSITIVE_INFINITY,
	hourly: HOUR,
	daily: 24 * HOUR,
	weekly: 7 * 24 * HOUR,
};

/**
 * Whether a reading is due. After failures it is tried less and less often, at least once a day or as often as was chosen.
 * @param history newest first
 */
export function isDue(
	schedule: Collecting['schedule'],
	history: readonly { at: number; status: string }[],
	now: number,
): boolean {
	const every = EVERY[schedule];
	if (every === Number.POSITIVE_INFINITY) return false;
	const [last] = history;
	// A moment that is still to come was noted by a clock that has been moved back.
	if (!last || last.at > now) return true;
	const first = history.findIndex(({ status }) => status !== 'failed');
	const failures = first < 0 ? history.length : first;
	return last.at + Math.min(every * 2 ** failures, Math.max(every, EVERY.daily)) <= now;
}

/**
 * Starts one reading that is due; the open page, or `runKeeps`, runs it. Nothing while a backup has paused renewing: the same records
 * are the other browser's to keep. The wallet is unlocked.
 * @returns whether one was started
 */
export async function startDue(now: number): Promise<boolean> {
	const { schedule } = await getCollecting();
	if (schedule === 'off' || !navigator.onLine || (await pausedSince())) return false;
	const under = (await listJobs()).filter((job) => job.kind === 'keep' && !isOver(job));
	if (under.some(({ status }) => status === 'running')) return false;
	const due: { connection: Connection; last: number }[] = [];
	for (const connection of await listConnections()) {
		if (!connection.keep || isExpired(connection, now) || under.some((job) => isKeepOf(job, connection.id))) continue;
		const { entries } = await historyOf(connection.id);
		if (isDue(schedule, entries, now)) due.push({ connection, last: entries[0]?.at ?? 0 });
	}
	const [next] = due.sort((a, b) => a.last - b.last);
	if (next) await startKeep(next.connection.id);
	return next !== undefined;
}

/** Runs the readings that there are, and those that are due, until none is left or `until`. For when no page does. */
export async function runKeeps(until: number): Promise<void> {
	do {
		const jobs = (await listJobs()).filter((job) => job.kind === 'keep' && !isOver(job));
		for (const { id } of jobs) {
			for (let more = true; more && Date.now() < until; ) ({ more } = await runSlice(id));
		}
	} while (Date.now() < until && (await startDue(Date.now())));
}
