/** What is missing, in words: nobody who finds nothing may think that there is nothing. */
import { shortened } from '../characters.js';
import type { Index, SourceEntry } from '../files/records.js';
import { hasGaps, wordsForSource } from '../source-words.js';
import { tagOf as tagAt } from '../summary/tags.js';
import type { Kind } from './kinds.js';

/** Lines of a block. */
const LINES = 30;

/** Lines for those of `sources` that have gaps in what a question is about, or were never asked for it. */
export function gapsOf(
	index: Index,
	sources: readonly SourceEntry[],
	{ about, main }: Pick<Kind, 'about' | 'main'>,
): string[] {
	return sources.flatMap((source) => {
		const more = [...notesOf(source, about), ...(isUnasked(source, main) ? [unasked(main)] : [])];
		if (!hasGaps(source, about) && more.length === 0) return [];
		return [...wordsForSource(source, nameOf(index, source), about), ...more];
	});
}

const unasked = (main: readonly string[]) => `  Not asked for: ${main.join(', ')}. Nobody knows whether there is any.`;

/** What nobody asked for and is there all the same came with something else. */
function isUnasked({ queries, types }: SourceEntry, main: readonly string[]): boolean {
	const isOf = (query: string) =>
		main.some((type) => query.startsWith(type) && !/^[A-Za-z]/.test(query.slice(type.length)));
	return (
		main.length > 0 && !main.some((type) => Object.hasOwn(types, type)) && !queries.some(({ query }) => isOf(query))
	);
}

/** A type that could be asked for by some values only. */
export function notesOf({ notes = {} }: SourceEntry, about: ReadonlySet<string> | null = null): string[] {
	return Object.entries(notes)
		.filter(([type]) => about === null || about.has(type))
		.map(([type, note]) => `  ${shortened(type, 64)}: ${shortened(note.replace(/, see queries$/, ''), 200)}.`);
}

/** The sentence for the head of an answer, and the block for its body. */
export function told(gaps: readonly string[]): { head: string | false; body: string[] } {
	if (gaps.length === 0) return { head: false, body: [] };
	return {
		head: 'Not everything was read from the providers: see "not here", which is no sign that there is nothing.',
		body: ['Not here:', ...gaps.slice(0, LINES).map((line) => shortened(line, 300)), ''],
	};
}

/** As in the summary: `S1` is the first of the index. */
export function tagOf(index: Index, { folder }: SourceEntry): string {
	return tagAt(index.sources.findIndex((source) => source.folder === folder));
}

/** `S1: Lakeside Health`, for what stands between marks. */
export function nameOf(index: Index, source: SourceEntry): string {
	return `${tagOf(index, source)}: ${shortened(source.name, 200)}`;
}
