/** Short names of sources: `S1` is the first of the index. */

export const tagOf = (source: number): string => `S${source + 1}`;

/** A delivery may have 256 sources: after six, how many more. */
const SHOWN = 6;

export function tagsOf(tags: readonly string[]): string {
	const shown = tags.slice(0, SHOWN).join(', ');
	return tags.length > SHOWN ? `${shown} and ${tags.length - SHOWN} more` : shown;
}
