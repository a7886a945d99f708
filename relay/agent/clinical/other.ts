/** Whatever has no reader of its own: what most resources call by the same names. */

import { dateOf } from '../dates.js';
import { at, clean, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { narrativeOf } from './narrative.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, personName, type Reader, whenOf } from './told.js';

export const other: Reader = (resource) => {
	const status = statusOf(resource.status);
	const when = whenOf(resource, 'occurrence', 'performed', 'effective', 'occurred', 'timing');
	const what = [resource.code, resource.type, resource.vaccineCode, resource.category, resource.topic].map(titlesOf);
	return {
		section: 'other',
		title: clean(resource.title) ?? personName(resource.name) ?? what.find(Boolean) ?? clean(resource.description),
		codes: codesOf(resource.code, resource.type),
		date:
			when.date ??
			dateOf(
				resource.date,
				resource.recorded,
				resource.created,
				resource.authoredOn,
				resource.sent,
				resource.issued,
				resource.start,
				at(resource, 'period.start'),
				at(resource, 'collection.collectedDateTime'),
			),
		end: when.end ?? dateOf(at(resource, 'period.end')),
		status,
		details: texts(
			titleOf(resource.code),
			titleOf(resource.type),
			clean(resource.description),
			word(resource, 'payload.contentString', 'details.text', 'issue.details.text', 'issue.diagnostics'),
			narrativeOf(resource),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};
