/**
 * What a periodic sync sets off, with no page open: the same as a page load, copies brought up to date, and then a
 * notification if one is due.
 */
import { runKeeps } from './copy/schedule.js';
import { announce } from './overview.js';
import { remind } from './reminders.js';
import { tendAll } from './tend.js';
import { recorded } from './wallet/activity.js';
import { lockState } from './wallet/lock.js';

/** Browsers end such an event after about five minutes. */
const KEEPS_MS = 3 * 60_000;

/** Never rejects: a periodic sync that fails is fired again by the browser, at once and for nothing. */
export async function tendAndRemind(): Promise<void> {
	await tendAll().catch(() => undefined);
	// No page is there to ask for slices.
	await updateCopies().catch(() => undefined);
	// An end can come near without anything having been refreshed.
	await announce().catch(() => undefined);
	await remind().catch(() => undefined);
	await recorded();
}

async function updateCopies(): Promise<void> {
	if ((await lockState()) !== 'locked') await runKeeps(Date.now() + KEEPS_MS);
}
