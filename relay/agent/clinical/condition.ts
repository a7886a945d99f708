/** Condition, of DSTU2 to R5. */

import { dateOf } from '../dates.js';
import { all, clean, labelled, record, texts } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { choiceOf, spell } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, type Reader } from './told.js';

const ABATED = /^abatement(?:DateTime|Date|Age|Period|Range)$/;

/** Where no clinical status is given, an abatement says `resolved`. */
export const condition: Reader = (resource) => {
	const verification = statusOf(resource.verificationStatus);
	const onset = choiceOf(resource, 'onset');
	const { abatementBoolean, onsetPeriod, abatementPeriod } = resource;
	const abated = abatementBoolean === true || Object.keys(resource).some((name) => ABATED.test(name));
	const onsetDate = dateOf(resource.onsetDateTime, record(onsetPeriod).start);
	const recordedDate = dateOf(
		resource.recordedDate,
		resource.dateRecorded,
		resource.assertedDate,
		resource.dateAsserted,
	);
	return {
		section: 'problems',
		title: titleOf(resource.code),
		codes: codesOf(resource.code),
		date: onsetDate ?? recordedDate,
		...(onsetDate === null && recordedDate !== null && { recorded: true as const }),
		end: dateOf(resource.abatementDateTime, resource.abatementDate, record(abatementPeriod).end),
		status: statusOf(resource.clinicalStatus) ?? (abated ? 'resolved' : null),
		details: texts(
			onsetDate === null && onset && `onset: ${spell(onset)}`,
			// "ongoing" would be one.
			labelled('abatement', clean(resource.abatementString, 80)),
			labelled('severity', titlesOf(resource.severity)),
			labelled('site', titlesOf(resource.bodySite)),
			labelled('stage', titlesOf(all(resource, 'stage.summary'))),
			verification !== null && !['confirmed', 'unknown'].includes(verification) && verification,
			kindOf(resource.category),
			noteOf(resource),
		),
		retracted: isRetracted(verification, statusOf(resource.clinicalStatus)),
	};
};

/** A problem of the list is the usual case; a diagnosis of one visit may be over since. */
function kindOf(category: unknown): string | null {
	const title = titlesOf(category);
	if (title === null) return null;
	if (/problem/i.test(title)) return 'problem list';
	return /encounter|diagnosis/i.test(title) ? 'diagnosis of a visit' : title;
}
