/** Patient, and what is known of the family. */

import { dateOf } from '../dates.js';
import { all, clean, type Json, labelled, list, record, texts } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { choiceOf, spell } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, personName, type Reader, reasonOf } from './told.js';

/** `date` is the birth date, `end` the date of death. */
export const patient: Reader = (resource) => {
	const died = dateOf(resource.deceasedDateTime);
	return {
		section: 'patient',
		title: personName(resource.name),
		date: dateOf(resource.birthDate),
		end: died,
		status: clean(resource.deceasedDateTime) !== null || resource.deceasedBoolean === true ? 'deceased' : null,
		details: texts(
			clean(resource.gender, 20),
			...list(resource.identifier)
				.slice(0, 20)
				.map((one) => medicalRecordNumber(record(one))),
			labelled('language', titlesOf(all(resource, 'communication.language'))),
			labelled('marital status', titlesOf(resource.maritalStatus)),
			labelled('also named', otherNames(resource.name)),
			resource.active === false && 'record not active',
		),
	};
};

function medicalRecordNumber(identifier: Json): string | null {
	const isOne = codesOf(identifier.type).some(({ code }) => code === 'MR');
	return isOne ? labelled('record number', clean(identifier.value, 40)) : null;
}

function otherNames(names: unknown): string | null {
	const own = personName(names);
	return (
		texts(...list(names).slice(0, 6).map(personName))
			.filter((name) => name !== own)
			.join(', ') || null
	);
}

export const family: Reader = (resource, resolve) => {
	const status = resource.notDone === true ? 'not-done' : statusOf(resource.status);
	const conditions = list(resource.condition).map((one) => {
		const { code } = record(one);
		const onset = choiceOf(one, 'onset');
		const title = titleOf(code);
		return title && (onset ? `${title} (onset ${spell(onset)})` : title);
	});
	const died = choiceOf(resource, 'deceased');
	return {
		section: 'history',
		title: `Family: ${titleOf(resource.relationship) ?? clean(resource.name) ?? 'relative'}`,
		codes: codesOf(...all(resource, 'condition.code')),
		date: dateOf(resource.date),
		status,
		details: texts(
			...conditions,
			died && (died.text === 'yes' ? 'deceased' : died.text === 'no' ? null : `deceased: ${spell(died)}`),
			reasonOf(resource, resolve),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};
