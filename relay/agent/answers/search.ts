/** Finds resources and documents; a line each, newest first. */

import { factOf } from '../clinical/fact-of.js';
import { instantOf } from '../dates.js';
import type { DocumentEntry, SourceEntry } from '../files/records.js';
import type { Item, Library } from '../library/library.js';
import { count } from '../source-words.js';
import type { Texts } from './documents.js';
import { type Filter, filterOf, isOf, NOT_SEARCHED } from './filter.js';
import { fold } from './fold.js';
import { gapsOf, tagOf, told } from './gaps.js';
import { COLUMNS, documentLine, lineOf, short, shown } from './line.js';
import type { Resolving } from './names.js';
import { Newest } from './newest.js';
import type { Whole } from './pages.js';
import { plainText } from './plain.js';
import type { SearchQuery } from './question.js';

/** Lines of one answer; whoever wants more asks more narrowly. */
const LINES = 10_000;
/** Octets of documents that one answer reads, the newest first. A PDF takes some thirty times as long as any other. */
const BYTES = { pdf: 2 * 1024 * 1024, other: 24 * 1024 * 1024 };

/** @throws {AgentError} `query_invalid`, `records_damaged`, `interrupted` */
export async function search(library: Library, names: Resolving, documents: Texts, query: SearchQuery): Promise<Whole> {
	const filter = filterOf(library.index, query);
	const found = new Newest<string>(LINES);
	const resources = await searchResources(library, names, filter, found);
	const read = await searchDocuments(library, documents, filter, found, resources.told);
	const undated = resources.undated + read.undated;
	const gaps = told(gapsOf(library.index, filter.sources, filter));
	const head = [
		found.count === 0 ? 'Nothing was found.' : `${found.count} found, newest first: ${COLUMNS}.`,
		found.left > 0 && `Only the newest ${LINES} are listed: ask more narrowly.`,
		undated > 0 && `${undated} more would match but have no date.`,
		read.undatedUnread > 0 &&
			`${count(read.undatedUnread, 'document')} without a date were not looked into: ask without "from" and "to".`,
		read.passed > 0 &&
			`${count(read.passed, 'document')} not looked into, the newest of ${read.day}: ask with "to", or by source.`,
		read.unreadable > 0 &&
			`${count(read.unreadable, 'document')} could not be read, or not to the end (pictures, too large, unreadable).`,
		gaps.head,
	];
	return { head: head.filter(Boolean).join('\n'), body: [...gaps.body, ...found.list()].join('\n') };
}

/** Gives how many would match if they had a date, and the files that a line of a DocumentReference names already. */
async function searchResources(library: Library, names: Resolving, filter: Filter, found: Newest<string>) {
	const resolver = await names.resolver();
	const result = { undated: 0, told: new Set<string>() };
	for (const source of filter.sources) {
		const tag = tagOf(library.index, source);
		const types = typesOf(source, filter);
		if (types.length === 0) continue;
		const files = looksIntoDocuments(filter) ? filesOf(source) : null;
		for await (const { ref, resource } of library.items(types, source.folder)) {
			const fact = factOf(resource, resolver(source));
			if (filter.section && fact.section !== filter.section) continue;
			if (filter.coded && !isOf(fact, filter)) continue;
			const inTime = filter.inTime(fact.date, fact.end);
			if (inTime === false) continue;
			if (filter.words.length > 0) {
				const text = fold([plainText(resource), fact.title, fact.value?.text, ...fact.details].join('\n'));
				if (!filter.words.every((word) => text.includes(word))) continue;
			}
			if (inTime === null) {
				result.undated++;
				continue;
			}
			const file = files?.get(nameOf(resource));
			if (file !== undefined) result.told.add(file);
			found.add(instantOf(fact.date ?? fact.end), lineOf(fact, tag, file ?? ref));
		}
	}
	return result;
}

const nameOf = ({ resourceType, id }: Item['resource']) => `${resourceType}/${id}`;

/** By the DocumentReference that has one file alone: of the two a reader wants the file. */
function filesOf({ folder, documents }: SourceEntry): Map<string, string> {
	const files = new Map<string, string[]>();
	for (const { of, file } of documents)
		if (of?.startsWith('DocumentReference/') && file !== undefined)
			files.set(of, [...(files.get(of) ?? []), `${folder}/${file}`]);
	return new Map([...files].flatMap(([of, [file, ...more]]) => (file && more.length === 0 ? [[of, file]] : [])));
}

/** A code or another kind than documents is nothing that a document has. */
function looksIntoDocuments({ coded, section, type }: Filter): boolean {
	return !coded && type === null && (section === null || section === 'documents');
}

function typesOf({ types }: SourceEntry, { type }: Filter): string[] {
	if (type !== null) return Object.hasOwn(types, type) ? [type] : [];
	return Object.keys(types).filter((one) => !NOT_SEARCHED.has(one));
}

async function searchDocuments(
	library: Library,
	documents: Texts,
	filter: Filter,
	found: Newest<string>,
	told: ReadonlySet<string>,
) {
	const result = { passed: 0, day: 'no date', unreadable: 0, undated: 0, undatedUnread: 0 };
	if (!looksIntoDocuments(filter)) return result;
	const entries = new Newest<[SourceEntry, DocumentEntry & { file: string }]>(LINES);
	for (const source of filter.sources) {
		for (const entry of source.documents) {
			const { file, date = null } = entry;
			if (file === undefined || told.has(`${source.folder}/${file}`)) continue;
			const inTime = filter.inTime(date, null);
			if (inTime) entries.add(instantOf(date), [source, { ...entry, file }]);
			else if (inTime === null && missingIn(filter, entry).length === 0) result.undated++;
			else if (inTime === null) result.undatedUnread++;
		}
	}
	result.passed = entries.left;
	const left = { ...BYTES };
	for (const [source, entry] of entries.list()) {
		const line = (about = '') =>
			found.add(
				instantOf(entry.date ?? null),
				documentLine(entry, tagOf(library.index, source), `${source.folder}/${entry.file}`, about),
			);
		const missing = missingIn(filter, entry);
		if (missing.length === 0) {
			line();
			continue;
		}
		const kind = entry.file.endsWith('.pdf') ? 'pdf' : 'other';
		left[kind] -= entry.bytes;
		if (left[kind] < 0) {
			if (result.passed++ === 0) result.day = shown(entry.date ?? null).slice(0, 'YYYY-MM-DD'.length);
			continue;
		}
		const { text, problem } = await documents.text(source, entry);
		if (without(missing, text).length === 0) line(around(text, missing[0] ?? ''));
		else if (problem) result.unreadable++;
	}
	return result;
}

/** The words that what the index says of a document does not have. */
function missingIn({ words }: Filter, { title, type, date }: DocumentEntry): string[] {
	return without(words, [title, type, date].join('\n'));
}

function without(words: readonly string[], text: string): string[] {
	const folded = fold(text);
	return words.filter((word) => !folded.includes(word));
}

/** A few words about where it stands, where folding has left the places what they were. */
function around(text: string, word: string): string {
	const folded = fold(text);
	const at = folded.length === text.length ? folded.indexOf(word) : -1;
	return at < 0 ? '' : `…${short(text.slice(Math.max(0, at - 60), at + 100), 160)}…`;
}
