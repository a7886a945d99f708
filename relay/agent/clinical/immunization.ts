/** Immunization, of DSTU2 (`date`, `vaccinationProtocol`, `wasNotGiven`) to R5. */

import { dateOf } from '../dates.js';
import { all, at, clean, type Json, labelled, record, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { spelled } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, type Reader } from './told.js';

export const immunization: Reader = (resource) => {
	const notGiven = resource.wasNotGiven === true || resource.notGiven === true;
	const status = notGiven ? 'not-done' : statusOf(resource.status);
	return {
		section: 'immunizations',
		title: titleOf(resource.vaccineCode),
		codes: codesOf(resource.vaccineCode),
		date: dateOf(resource.occurrenceDateTime, resource.date, resource.recorded),
		status,
		details: texts(
			labelled('when', clean(resource.occurrenceString, 80)),
			doseOf(resource),
			spelled(resource.doseQuantity),
			labelled('site', titlesOf(resource.site)),
			labelled('lot', clean(resource.lotNumber, 40)),
			labelled('manufacturer', word(resource, 'manufacturer.display', 'manufacturer.reference.display')),
			labelled(
				'reaction',
				titlesOf(all(resource, 'reaction.manifestation.concept')) ?? word(resource, 'reaction.detail.display'),
			),
			labelled('not given because', titlesOf(resource.statusReason ?? at(resource, 'explanation.reasonNotGiven'))),
			(resource.primarySource === false || resource.reported === true) && 'as reported, not from who gave it',
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

/** `dose 2 of 3` */
function doseOf(resource: Json): string | null {
	const protocol = record(at(resource, 'protocolApplied') ?? at(resource, 'vaccinationProtocol'));
	const said = (...values: unknown[]) => values.map((one) => (typeof one === 'number' ? String(one) : clean(one, 20)));
	const { doseNumber, doseNumberPositiveInt, doseNumberString, doseSequence } = protocol;
	const number = said(doseNumber, doseNumberPositiveInt, doseNumberString, doseSequence).find(Boolean);
	const { seriesDoses, seriesDosesPositiveInt, seriesDosesString } = protocol;
	const of = said(seriesDoses, seriesDosesPositiveInt, seriesDosesString).find(Boolean);
	return number ? `dose ${number}${of ? ` of ${of}` : ''}` : null;
}
