/** DocumentReference, Composition and Binary. */
import { dateOf } from '../dates.js';
import { all, at, clean, labelled, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { isRetracted, statusOf } from './status.js';
import { namesOf, type Reader } from './told.js';

export const document: Reader = (resource, resolve) => {
	const { content, context } = resource;
	const title = clean(resource.description) ?? word(content, 'attachment.title');
	const kind = titleOf(resource.type) ?? titlesOf(resource.category ?? resource.class);
	const status = statusOf(resource.status);
	return {
		section: 'documents',
		title: title ?? kind ?? clean(resource.title),
		codes: codesOf(resource.type),
		date: dateOf(
			resource.date,
			resource.created,
			resource.indexed,
			at(context, 'period.start'),
			at(content, 'attachment.creation'),
		),
		status: statusOf(resource.docStatus) ?? status,
		details: texts(
			title !== null && kind,
			...texts(...all(content, 'attachment.contentType').map((one) => clean(one, 60))).slice(0, 4),
			labelled('by', namesOf(resource.author, resolve)),
		),
		retracted: isRetracted(status, statusOf(resource.docStatus)),
	};
};

/** The octets have a file of their own; its title is said by what refers to it. */
export const binary: Reader = (resource) => ({
	section: 'documents',
	title: 'Document',
	details: texts(clean(resource.contentType, 60)),
});
