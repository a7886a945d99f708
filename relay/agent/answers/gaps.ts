/** What is missing, in words: nobody who finds nothing may think that there is nothing. */
import { isGap } from '../../contract.js';
import type { Index, SourceEntry } from '../files/records.js';
import { tagOf as tagAt } from '../summary/tags.js';
import { wordsForSource } from '../words.js';
import { short } from './line.js';

/** Lines for those of `sources` that have gaps. */
export function gapsOf(sources: readonly SourceEntry[]): string[] {
	return sources.filter(hasGaps).flatMap((source) => [...wordsForSource(source), ...notesOf(source)]);
}

export function notesOf({ notes = {} }: SourceEntry): string[] {
	return Object.entries(notes).map(([type, note]) => `  ${short(type, 64)}: ${short(note, 200)}.`);
}

function hasGaps({ queries, notes }: SourceEntry): boolean {
	return notes !== undefined || queries.some((query) => isGap(query) || query.keptFrom !== undefined);
}

/** As in the summary: `S1` is the first of the index. */
export function tagOf(index: Index, { folder }: SourceEntry): string {
	return tagAt(index.sources.findIndex((source) => source.folder === folder));
}
