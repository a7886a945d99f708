/** What a finished collection knows of each type, for whoever keeps what was read before. Pure. */
import type { CollectState } from './state.js';

export interface Reading {
	type: string;
	/**
	 * `all`: everything that there is, so that what is not in it is gone. `since`: only what changed (`CollectInput.since`).
	 * `some`: an unknown part, because something could not be read. `none`: nothing could.
	 */
	how: 'all' | 'since' | 'some' | 'none';
	/** The latest `meta.lastUpdated` seen; null where a resource had none, or there was no resource. */
	latest: string | null;
	/** Whether the server proved that it can be asked for changes of this type (`_lastUpdated`). */
	incremental: boolean;
}

/** Meaningful once `isDone`. */
export function readings(_state: CollectState): Reading[] {
	return [];
}
