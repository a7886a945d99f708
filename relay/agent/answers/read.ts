/** One resource as it was served, or one document as text. */

import { harmlessJson } from '../characters.js';
import { factOf } from '../clinical/fact-of.js';
import { AgentError } from '../errors.js';
import type { DocumentEntry, SourceEntry } from '../files/records.js';
import type { Json } from '../json.js';
import type { Item, Library } from '../library/library.js';
import { localReference } from '../library/reference.js';
import { count } from '../source-words.js';
import { NO_TEXT } from '../text/problems.js';
import type { Texts } from './documents.js';
import { invalid } from './invalid.js';
import { measured, partOf, short, shown } from './line.js';
import type { Resolving } from './names.js';
import type { Whole } from './pages.js';
import { pretty } from './pretty.js';

/** References of a resource whose titles are told. */
const REFERENCES = 40;

/** @throws {AgentError} `ref_unknown`, `records_damaged`; `query_invalid` several sources have what is named */
export async function read(library: Library, names: Resolving, documents: Texts, ref: string): Promise<Whole> {
	const full = withFolder(library, ref);
	const document = documentOf(library, full);
	if (document) return readDocument(documents, ...document);
	const item = (await itemOf(library, full)) ?? (await itemElsewhere(library, ref));
	if (!('resource' in item)) return readDocument(documents, item.source, item.entry);
	const references = await referencesOf(library, names, item);
	const told = references.length > 0 ? ['What it refers to:', ...references, ''] : [];
	return {
		head: 'One resource, as the provider served it (FHIR JSON).',
		body: [...told, harmlessJson(pretty(item.text))].join('\n'),
	};
}

/** `S1/Observation/abc`, as lines have it, with the folder that S1 is. */
function withFolder({ index }: Library, ref: string): string {
	const [, number, rest] = /^S([1-9]\d{0,2})\/(.+)$/s.exec(ref) ?? [];
	const source = number === undefined ? undefined : index.sources[Number(number) - 1];
	return source ? `${source.folder}/${rest}` : ref;
}

type Found = Awaited<ReturnType<Library['item']>>;

async function itemOf(library: Library, ref: string): Promise<Found | null> {
	return library.item(ref).catch((error: unknown) => {
		if (error instanceof AgentError && error.code === 'ref_unknown') return null;
		throw error;
	});
}

/** As a resource itself names another: `Observation/abc`, or by its address. */
async function itemElsewhere(
	library: Library,
	ref: string,
): Promise<Found | { source: SourceEntry; entry: DocumentEntry }> {
	const found: (Found | { source: SourceEntry; entry: DocumentEntry })[] = [];
	for (const source of library.index.sources) {
		const path = localReference(ref, source);
		if (path === null) continue;
		const entry = binaryOf(source, path);
		const item = entry ? { source, entry } : await itemOf(library, `${source.folder}/${path}`);
		if (item) found.push(item);
	}
	const [only] = found;
	if (!only) throw new AgentError('ref_unknown');
	if (found.length > 1) throw invalid('more than one source has it; say which, as in S1/Observation/abc');
	return only;
}

/** The document that a Binary was written as. */
function binaryOf({ documents }: SourceEntry, path: string): DocumentEntry | null {
	if (!path.startsWith('Binary/')) return null;
	return documents.find(({ id, file }) => file !== undefined && id === path.slice('Binary/'.length)) ?? null;
}

function documentOf({ index }: Library, ref: string): [SourceEntry, DocumentEntry] | null {
	for (const source of index.sources) {
		if (!ref.startsWith(`${source.folder}/`)) continue;
		const entry = source.documents.find(({ file }) => file !== undefined && `${source.folder}/${file}` === ref);
		if (entry) return [source, entry];
	}
	return null;
}

async function readDocument(documents: Texts, source: SourceEntry, entry: DocumentEntry): Promise<Whole> {
	const { kind, pages, text, problem } = await documents.text(source, entry);
	const size = `${count(entry.bytes, 'octet')}${pages === undefined ? '' : `, ${count(pages, 'page')}`}`;
	return {
		head: `The text of one document (${kind}, ${size}).${problem ? ` It cannot be read${text === '' ? '' : ' to its end'}: ${NO_TEXT[problem]}.` : ''}`,
		body: [aboutDocument(source, entry), '', text].join('\n'),
	};
}

function aboutDocument({ name }: SourceEntry, { title, type, date, status }: DocumentEntry): string {
	return [
		shown(date ?? null),
		title && short(title, 200),
		type && short(type, 200),
		status && short(status, 40),
		short(name, 200),
	]
		.filter(Boolean)
		.join(' | ');
}

/** A line for each, with what it is and its value where it is among the records; and what its own attachments were written as. */
async function referencesOf(library: Library, names: Resolving, { source, resource }: Item): Promise<string[]> {
	const resolver = await names.resolver();
	const lines = attachmentsOf(source, resource);
	for (const reference of [...found(resource)].slice(0, REFERENCES)) {
		const path = localReference(reference, source);
		if (path === null) continue;
		const binary = binaryOf(source, path);
		if (binary) {
			lines.push(`  ${path}: ${fileOf(source, binary)}`);
			continue;
		}
		const there = await itemOf(library, `${source.folder}/${path}`);
		if (!there) continue;
		const fact = factOf(there.resource, resolver(source));
		const value = [measured(fact), ...fact.parts.slice(0, 20).map(partOf)].filter(Boolean).join('; ');
		const told = [shown(fact.date), short(fact.title, 200), value && short(value, 300), there.ref];
		lines.push(`  ${path}: ${told.filter(Boolean).join(' | ')}`);
	}
	return lines;
}

function attachmentsOf(source: SourceEntry, { resourceType, id }: Json): string[] {
	return source.documents
		.filter((entry) => entry.id === null && entry.file !== undefined && entry.of === `${resourceType}/${id}`)
		.slice(0, REFERENCES)
		.map((entry) => `  its attachment: ${fileOf(source, entry)}`);
}

function fileOf({ folder }: SourceEntry, { title, type, file }: DocumentEntry): string {
	return `${short(title ?? type ?? 'document', 200)} | ${folder}/${file}`;
}

/** Every reference in a resource, and the address of every attachment, each once. */
function found(resource: object): Set<string> {
	const references = new Set<string>();
	const open: unknown[] = [resource];
	// Grows meanwhile: what is nearest to the resource comes first.
	for (const value of open) {
		if (typeof value !== 'object' || value === null) continue;
		for (const [key, child] of Object.entries(value)) {
			if (typeof child === 'string' && (key === 'reference' || key === 'url')) references.add(child);
			else if (typeof child === 'object') open.push(child);
		}
	}
	return references;
}
