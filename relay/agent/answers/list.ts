/** What arrived and what did not, source by source; then the documents of all, newest first. */
import { instantOf } from '../dates.js';
import type { DocumentEntry, Index, SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';
import { NO_FILE } from '../library/shape.js';
import { count, timeOf, wordsForSource } from '../source-words.js';
import { nameOf, notesOf, tagOf } from './gaps.js';
import { documentLine, short } from './line.js';
import { Newest } from './newest.js';
import type { Whole } from './pages.js';

/** Documents of one answer; a search finds the others. */
const DOCUMENTS = 10_000;

export function list({ index }: Library): Whole {
	const { sources, receivedAt } = index;
	const total = (of: (source: SourceEntry) => number) => sources.reduce((sum, source) => sum + of(source), 0);
	const records = count(
		total(({ resources }) => resources),
		'record',
	);
	const documents = count(
		total((source) => source.documents.length),
		'document',
	);
	const received = timeOf(receivedAt);
	return {
		head: `${count(sources.length, 'source')}, ${records}, ${documents}${received ? `, received ${received}` : ''}.`,
		body: [...redacted(index), ...sources.flatMap((source) => linesFor(index, source)), ...documentsOf(index)].join(
			'\n',
		),
	};
}

function linesFor(index: Index, source: SourceEntry): string[] {
	const { folder, patient, types, documents } = source;
	const who = [
		short(patient.name ?? 'no name given', 200),
		patient.birthDate && `born ${short(patient.birthDate, 40)}`,
	];
	const [records = '', ...gaps] = wordsForSource(source, nameOf(index, source));
	const counts = Object.entries(types)
		.filter(([type]) => type !== 'OperationOutcome')
		.map(([type, lines]) => `${type} ${lines}`);
	return [
		records,
		`  Folder: ${folder}`,
		`  Patient: ${who.filter(Boolean).join(', ')}`,
		`  Records by type: ${counts.join(', ') || 'none'}`,
		...(documents.length > 0 ? [`  Documents: ${documents.length}`] : []),
		...gaps,
		...notesOf(source),
		'',
	];
}

function documentsOf(index: Index): string[] {
	const lines = new Newest<string>(DOCUMENTS);
	for (const source of index.sources)
		for (const entry of source.documents)
			lines.add(instantOf(entry.date ?? null), lineFor(entry, tagOf(index, source), source.folder));
	if (lines.count === 0) return [];
	const left = lines.left > 0 ? `, of which the newest ${DOCUMENTS} are listed` : '';
	return [`Documents${left}, newest first:`, ...lines.list()];
}

function lineFor(entry: DocumentEntry, tag: string, folder: string): string {
	if (entry.file !== undefined) return documentLine(entry, tag, `${folder}/${entry.file}`);
	return documentLine(entry, tag, entry.problem ? NO_FILE[entry.problem] : 'is not here');
}

/** What the person had removed, as the wallet tells it. */
function redacted({ redaction }: Index): string[] {
	return redaction === null
		? []
		: [`Before sending, the person had things left out: ${short(JSON.stringify(redaction), 600)}`, ''];
}
