/** One resource as it was served, or one document as text. */

import { AgentError } from '../errors.js';
import type { DocumentEntry, SourceEntry } from '../files/records.js';
import type { Item, Library } from '../library/library.js';
import { shown } from './dates.js';
import type { Documents } from './documents.js';
import { factFor, short } from './line.js';
import { harmlessJson } from './marked.js';
import { type Names, pathOf } from './names.js';
import type { Whole } from './pages.js';
import { pretty } from './pretty.js';

/** References of a resource whose titles are told. */
const REFERENCES = 40;

const PROBLEMS = {
	image: 'It is a picture, or has pictures of text alone, and no text to read.',
	encrypted: 'It is protected by a password, so its text cannot be read.',
	too_large: 'It is too large to be read here.',
	unreadable: 'It cannot be read: it is not what it says it is, or is spoilt.',
	unknown_type: 'It is of a type that is not read here.',
};

/** @throws {AgentError} `ref_unknown`, `records_damaged` */
export async function read(library: Library, names: Names, documents: Documents, ref: string): Promise<Whole> {
	const document = documentOf(library, ref);
	if (document) return readDocument(documents, ...document);
	const item = await library.item(ref);
	const references = await referencesOf(library, names, item);
	const told = references.length > 0 ? ['What it refers to:', ...references, ''] : [];
	return {
		head: 'One resource, as the provider served it (FHIR JSON).',
		body: [...told, harmlessJson(pretty(item.text))].join('\n'),
	};
}

function documentOf({ index }: Library, ref: string): [SourceEntry, DocumentEntry] | null {
	for (const source of index.sources) {
		if (!ref.startsWith(`${source.folder}/`)) continue;
		const entry = source.documents.find(({ file }) => file !== undefined && `${source.folder}/${file}` === ref);
		if (entry) return [source, entry];
	}
	return null;
}

async function readDocument(documents: Documents, source: SourceEntry, entry: DocumentEntry): Promise<Whole> {
	const { kind, pages, text, problem } = await documents.text(source, entry);
	const size = `${entry.bytes} octets${pages === undefined ? '' : `, ${pages} ${pages === 1 ? 'page' : 'pages'}`}`;
	return {
		head: `The text of one document (${kind}, ${size}).${problem ? ` ${PROBLEMS[problem]}` : ''}`,
		body: [aboutDocument(source, entry), '', text].join('\n'),
	};
}

function aboutDocument({ name }: SourceEntry, { title, type, date }: DocumentEntry): string {
	return [shown(date ?? null), title && short(title, 200), type && short(type, 200), short(name, 200)]
		.filter(Boolean)
		.join(' | ');
}

/** A line for each, with what it is where it is among the records. */
async function referencesOf(library: Library, names: Names, { source, resource }: Item): Promise<string[]> {
	const resolver = await names.resolver();
	const lines: string[] = [];
	for (const reference of [...found(resource)].slice(0, REFERENCES)) {
		const path = pathOf(reference, source);
		if (path === null) continue;
		const binary = path.startsWith('Binary/') && source.documents.find(({ id }) => id === path.slice('Binary/'.length));
		if (binary && binary.file !== undefined) {
			lines.push(
				`  ${path}: ${short(binary.title ?? binary.type ?? 'document', 200)} | ${source.folder}/${binary.file}`,
			);
			continue;
		}
		const there = await library.item(`${source.folder}/${path}`).catch((error: unknown) => {
			if (error instanceof AgentError && error.code === 'ref_unknown') return null;
			throw error;
		});
		if (!there) continue;
		const { title, date } = factFor(there.resource, resolver(source));
		lines.push(`  ${path}: ${[shown(date), short(title, 200), there.ref].join(' | ')}`);
	}
	return lines;
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
