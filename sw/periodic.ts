/** What a periodic sync sets off, with no page open: the same as a page load, and then a notification if one is due. */
import { announce } from './overview.js';
import { remind } from './reminders.js';
import { tendAll } from './tend.js';
import { recorded } from './wallet/activity.js';

/** Never rejects: a periodic sync that fails is fired again by the browser, at once and for nothing. */
export async function tendAndRemind(): Promise<void> {
	await tendAll().catch(() => undefined);
	// An end can come near without anything having been refreshed.
	await announce().catch(() => undefined);
	await remind().catch(() => undefined);
	await recorded();
}
