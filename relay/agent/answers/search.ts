/** Finds resources and documents; a line each, newest first. */

import type { DocumentEntry, SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';
import type { SearchQuery } from './answers.js';
import { instantOf, shown } from './dates.js';
import type { Documents } from './documents.js';
import { type Filter, filterOf, isOf, NOT_SEARCHED } from './filter.js';
import { fold } from './fold.js';
import { gapsOf, tagOf } from './gaps.js';
import { documentLine, factFor, lineOf, short } from './line.js';
import type { Names } from './names.js';
import { Newest } from './newest.js';
import type { Whole } from './pages.js';
import { plainText } from './plain.js';

/** Lines of one answer; whoever wants more asks more narrowly. */
const LINES = 10_000;
/** Octets of documents that one answer reads, the newest first. A PDF takes some thirty times as long as any other. */
const BYTES = { pdf: 2 * 1024 * 1024, other: 24 * 1024 * 1024 };

/** @throws {AgentError} `query_invalid`, `records_damaged` */
export async function search(library: Library, names: Names, documents: Documents, query: SearchQuery): Promise<Whole> {
	const filter = filterOf(library.index, query);
	const found = new Newest<string>(LINES);
	const undated = await searchResources(library, names, filter, found);
	const read = await searchDocuments(library, documents, filter, found);
	const gaps = gapsOf(filter.sources);
	const head = [
		found.count === 0
			? 'Nothing was found.'
			: `${found.count} found, newest first: date | title | value | status | source | ref.`,
		found.left > 0 && `Only the newest ${LINES} are listed: ask more narrowly.`,
		filter.dated && undated > 0 && `${undated} more would match but have no date.`,
		read.passed > 0 &&
			`${read.passed} documents were not looked into, the newest of ${read.day}: ask with "to", or by source.`,
		read.unreadable > 0 &&
			`${read.unreadable} documents could not be read, or not to their end (pictures, too large, unreadable).`,
		gaps.length > 0 &&
			'Not everything could be read from the providers: see "not here", which is no sign that there is nothing.',
	];
	const body = [
		...(gaps.length > 0 ? ['Not here:', ...gaps.slice(0, 30).map((line) => short(line, 300)), ''] : []),
		...found.list(),
	];
	return { head: head.filter(Boolean).join('\n'), body: body.join('\n') };
}

/** Gives how many would match if they had a date. */
async function searchResources(library: Library, names: Names, filter: Filter, found: Newest<string>): Promise<number> {
	const resolver = await names.resolver();
	let undated = 0;
	for (const source of filter.sources) {
		const tag = tagOf(library.index, source);
		const types = typesOf(source, filter);
		if (types.length === 0) continue;
		for await (const { ref, resource } of library.items(types, source.folder)) {
			const fact = factFor(resource, resolver(source));
			if (filter.section && fact.section !== filter.section) continue;
			if (filter.coded && !isOf(fact, filter)) continue;
			const inTime = filter.inTime(fact.date, fact.end);
			if (!inTime && (fact.date ?? fact.end) !== null) continue;
			if (filter.words.length > 0) {
				const text = fold([plainText(resource), fact.title, fact.value?.text, ...fact.details].join('\n'));
				if (!filter.words.every((word) => text.includes(word))) continue;
			}
			if (inTime) found.add(instantOf(fact.date ?? fact.end), lineOf(fact, tag, ref));
			else undated++;
		}
	}
	return undated;
}

function typesOf({ types }: SourceEntry, { type }: Filter): string[] {
	if (type !== null) return Object.hasOwn(types, type) ? [type] : [];
	return Object.keys(types).filter((one) => !NOT_SEARCHED.has(one));
}

async function searchDocuments(library: Library, documents: Documents, filter: Filter, found: Newest<string>) {
	const result = { passed: 0, day: 'no date', unreadable: 0 };
	const all = filter.coded || (filter.section && filter.section !== 'documents') || filter.type !== null;
	if (all) return result;
	const entries = new Newest<[SourceEntry, DocumentEntry & { file: string }]>(LINES);
	for (const source of filter.sources) {
		for (const entry of source.documents) {
			const { file, date = null } = entry;
			if (file !== undefined && filter.inTime(date, null)) entries.add(instantOf(date), [source, { ...entry, file }]);
		}
	}
	result.passed = entries.left;
	const left = { ...BYTES };
	for (const [source, entry] of entries.list()) {
		const line = (more = '') =>
			found.add(
				instantOf(entry.date ?? null),
				documentLine(entry, tagOf(library.index, source), `${source.folder}/${entry.file}`) + more,
			);
		const missing = without(filter.words, [entry.title, entry.type, entry.date].join('\n'));
		if (missing.length === 0) {
			line();
			continue;
		}
		const kind = entry.file.endsWith('.pdf') ? 'pdf' : 'other';
		left[kind] -= entry.bytes;
		if (left[kind] < 0) {
			if (result.passed++ === 0) result.day = shown(entry.date ?? null).slice(0, 10);
			continue;
		}
		const { text, problem } = await documents.text(source, entry);
		if (without(missing, text).length === 0) line(around(text, missing[0] ?? ''));
		else if (problem) result.unreadable++;
	}
	return result;
}

function without(words: readonly string[], text: string): string[] {
	const folded = fold(text);
	return words.filter((word) => !folded.includes(word));
}

/** A few words about where it stands, where folding has left the places what they were. */
function around(text: string, word: string): string {
	const folded = fold(text);
	const at = folded.length === text.length ? folded.indexOf(word) : -1;
	return at < 0 ? '' : ` | …${short(text.slice(Math.max(0, at - 60), at + 100), 160)}…`;
}
