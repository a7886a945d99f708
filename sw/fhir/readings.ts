/** What a finished collection knows of each type, for whoever keeps what was read before. Pure. */
import { MAX_REFERENCES } from './references.js';
import { type Standing, standings } from './report.js';
import { referencedTypes } from './searches.js';
import type { CollectState } from './state.js';

export interface Reading {
	type: string;
	/**
	 * `all`: everything that there is, so that what is not in it is gone. `since`: only what changed (`CollectInput.since`).
	 * `some`: an unknown part, because something could not be read, or its absence is in doubt. `none`: nothing could.
	 */
	how: 'all' | 'since' | 'some' | 'none';
	/** The latest `meta.lastUpdated` seen; null where a resource had none, or there was no resource. */
	latest: string | null;
	/** Whether the server proved that it can be asked for changes of this type (`_lastUpdated`). */
	incremental: boolean;
}

/**
 * Meaningful once `isDone`. What the record refers to counts as all there is only where all that may refer to it was
 * read: whoever drops what is not in a reading must not drop what an unread, or unchanged, resource still refers to.
 */
export function readings(state: CollectState): Reading[] {
	const all = standings(state);
	const read = [...all].map(([type, standing]) => ({ type, standing, how: howOf(state, type, standing) }));
	const searched = read.filter(({ standing }) => standing.searched);
	const whole = searched.every(({ how }) => how === 'all') && state.followed <= MAX_REFERENCES;
	const apart = searched.some(({ how }) => how === 'since') ? 'since' : 'some';
	return read.map(({ type, standing, how }) => {
		const of = state.types[type];
		const referred = !standing.searched || referencedTypes.includes(type);
		return {
			type,
			how: how === 'all' && referred && !whole ? apart : how,
			latest: of && !of.undated ? of.latest : null,
			incremental: type in state.since || of?.proof === true,
		};
	});
}

function howOf(state: CollectState, type: string, { good, refused, failed }: Standing): Reading['how'] {
	if (refused || failed) return good ? 'some' : 'none';
	if (state.queries.some((query) => query.type === type && query.unsure)) return 'some';
	return type in state.since ? 'since' : 'all';
}
