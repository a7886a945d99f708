/** What arrived, source by source, and what did not. */

import type { DocumentEntry, Index, SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';
import { localTime, wordsForSource } from '../words.js';
import { notesOf, tagOf } from './gaps.js';
import { documentLine, short } from './line.js';
import type { Whole } from './pages.js';

const NO_TEXT = { no_data: 'came without its content', not_base64: 'came in a form that cannot be unpacked' };

export function list({ index }: Library): Whole {
	const { sources, receivedAt } = index;
	const total = (of: (source: SourceEntry) => number) => sources.reduce((sum, source) => sum + of(source), 0);
	const records = total(({ resources }) => resources);
	const documents = total((source) => source.documents.length);
	const received = localTime(receivedAt);
	return {
		head: `${sources.length} ${sources.length === 1 ? 'source' : 'sources'}, ${records} records, ${documents} documents${received ? `, received ${received}` : ''}.`,
		body: [...redacted(index), ...sources.flatMap((source) => linesFor(index, source))].join('\n'),
	};
}

function linesFor(index: Index, source: SourceEntry): string[] {
	const { folder, patient, types, documents } = source;
	const tag = tagOf(index, source);
	const who = [
		short(patient.name ?? 'no name given', 200),
		patient.birthDate && `born ${short(patient.birthDate, 40)}`,
	];
	const [records = '', ...gaps] = wordsForSource(source);
	const counts = Object.entries(types)
		.filter(([type]) => type !== 'OperationOutcome')
		.map(([type, count]) => `${type} ${count}`);
	return [
		`${tag}: ${records}`,
		`  Folder: ${folder}`,
		`  Patient: ${who.filter(Boolean).join(', ')}`,
		`  Records by type: ${counts.join(', ') || 'none'}`,
		...gaps,
		...notesOf(source),
		...(documents.length > 0 ? [`  Documents: ${documents.length}`] : []),
		...documents.map((entry) => `    ${lineFor(entry, tag, folder)}`),
		'',
	];
}

function lineFor(entry: DocumentEntry, tag: string, folder: string): string {
	if (entry.file !== undefined) return documentLine(entry, tag, `${folder}/${entry.file}`);
	return documentLine(entry, tag, entry.problem ? NO_TEXT[entry.problem] : 'is not here');
}

/** What the person had removed, as the wallet tells it. */
function redacted({ redaction }: Index): string[] {
	return redaction === null
		? []
		: [`Before sending, the person had things left out: ${short(JSON.stringify(redaction), 600)}`, ''];
}
