/** Documents: the files of the delivery, and references to what did not come as one. */
import { dateOf } from '../clinical/date.js';
import type { Fact } from '../clinical/fact.js';
import { all, clean, type Json, record, texts } from '../clinical/shape.js';
import type { DocumentEntry, SourceEntry } from '../files/records.js';

/** Of a file of the index. */
export function factOfFile({ title, type, date, contentType, bytes, file }: DocumentEntry): Fact {
	const name = clean(file)?.replace(/^documents\//, '') ?? null;
	const said = clean(title) ?? clean(type);
	return {
		section: 'documents',
		title: said ?? name ?? 'Document',
		date: dateOf(date),
		end: null,
		codes: [],
		status: null,
		value: null,
		range: null,
		flag: null,
		details: texts(clean(title) && clean(type), clean(contentType, 60), `${bytes} octets`),
		parts: [],
		retracted: false,
	};
}

/** Says of a DocumentReference what became of its content; null where all of it is among the files, which are told of anyway. */
export function missingContent(resource: Json, source: SourceEntry, files: ReadonlySet<string>): string | null {
	const attachments = all(resource, 'content.attachment').map(record);
	if (attachments.length === 0) return 'names no content';
	const isHere = ({ url }: Json) => {
		const id = typeof url === 'string' ? /\/?Binary\/([A-Za-z0-9.-]{1,64})/.exec(url.slice(0, 3000))?.[1] : undefined;
		return id !== undefined && files.has(`${source.folder}/${id}`);
	};
	if (attachments.every(isHere)) return null;
	return attachments.some(({ data }) => typeof data === 'string')
		? 'its content is within the record'
		: 'its content is not here';
}
