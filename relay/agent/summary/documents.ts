/** Documents: the files of the delivery, and references to what did not come as one. */
import type { Fact } from '../clinical/fact.js';
import { isRetracted, statusOf } from '../clinical/status.js';
import { NOTHING } from '../clinical/told.js';
import { dateOf } from '../dates.js';
import type { DocumentEntry, SourceEntry } from '../files/records.js';
import { all, clean, type Json, record, texts } from '../json.js';
import { attachedBinary } from '../library/reference.js';

/** Of a file of the index. */
export function factOfFile({ title, type, date, contentType, bytes, file, status }: DocumentEntry): Fact {
	const name = clean(file)?.replace(/^documents\//, '') ?? null;
	const said = clean(title) ?? clean(type);
	return {
		...NOTHING,
		section: 'documents',
		title: said ?? name ?? 'Document',
		date: dateOf(date),
		status: statusOf(status),
		retracted: isRetracted(statusOf(status)),
		details: texts(clean(title) && clean(type), clean(contentType, 60), `${bytes} octets`),
	};
}

/** Says of a DocumentReference what became of its content; null where all of it is among the files, which are told of anyway. */
export function missingContent(resource: Json, source: SourceEntry, files: ReadonlySet<string>): string | null {
	const attachments = all(resource, 'content.attachment').map(record);
	if (attachments.length === 0) return 'names no content';
	const isHere = ({ url, data, contentType }: Json) => {
		// Written as a file like any other (files/attachments.ts).
		if (typeof data === 'string' && typeof contentType === 'string') return true;
		const id = attachedBinary(url, source);
		return id !== null && files.has(`${source.folder}/${id}`);
	};
	if (attachments.every(isHere)) return null;
	return attachments.some(({ data }) => typeof data === 'string')
		? 'its content is within the record'
		: 'its content is not here';
}
