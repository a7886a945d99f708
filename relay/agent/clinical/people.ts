/** Patient, what is known of the family, answers to questions, and who pays. */
import { codesOf, statusOf, titleOf, titlesOf } from './concept.js';
import { dateOf } from './date.js';
import { choiceOf, spell, spelled } from './quantity.js';
import { all, at, clean, type Json, labelled, list, record, texts, word } from './shape.js';
import { isRetracted, namesOf, noteOf, personName, type Reader, reasonOf } from './told.js';

/** `date` is the birth date, `end` the date of death. */
export const patient: Reader = (resource) => {
	const died = dateOf(resource.deceasedDateTime);
	return {
		section: 'patient',
		title: personName(resource.name),
		date: dateOf(resource.birthDate),
		end: died,
		status: died !== null || resource.deceasedBoolean === true ? 'deceased' : null,
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
	const conditions = list(resource.condition)
		.slice(0, 12)
		.map((one) => {
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

/** Answers of one questionnaire that are told. */
const ANSWERS = 8;

export const answers: Reader = (resource) => {
	const status = statusOf(resource.status);
	const found: string[] = [];
	const visit = (holder: Json, depth: number) => {
		const answers = list(holder.answer)
			.slice(0, 6)
			.map((one) => choiceOf(one, 'value'))
			.filter((one) => one !== null);
		const asked = clean(holder.text) ?? clean(holder.linkId, 60);
		if (answers.length > 0) found.push(`${asked ?? 'answer'}: ${answers.map(spell).join(', ')}`);
		if (depth > 6 || found.length > ANSWERS) return;
		for (const name of ['group', 'question', 'item'])
			for (const inner of list(holder[name])) {
				if (found.length > ANSWERS) return;
				visit(record(inner), depth + 1);
			}
	};
	visit(resource, 0);
	const { questionnaire } = resource;
	const named = word(resource, '_questionnaire.extension.valueString', 'questionnaire.display');
	return {
		section: 'history',
		title:
			named ?? (typeof questionnaire === 'string' ? `Questionnaire ${clean(questionnaire, 120)}` : 'Questionnaire'),
		date: dateOf(resource.authored),
		status,
		survey: true,
		details: found.length > ANSWERS ? [...found.slice(0, ANSWERS), 'and more answers'] : found,
		retracted: isRetracted(status),
	};
};

export const coverage: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const { payor, insurer, issuer } = resource;
	const payer = namesOf([...list(payor), ...list(insurer), ...list(issuer)], resolve);
	const kind = titlesOf(resource.type);
	const plan = word(resource, 'class.name', 'plan', 'group');
	return {
		section: 'coverage',
		title: payer ?? plan ?? kind,
		codes: codesOf(resource.type),
		date: dateOf(at(resource, 'period.start')),
		end: dateOf(at(resource, 'period.end')),
		status,
		details: texts(
			payer !== null && plan,
			kind,
			labelled('member', clean(resource.subscriberId, 60) ?? word(resource, 'subscriberId.value')),
			labelled('relationship', titlesOf(resource.relationship)),
		),
		retracted: isRetracted(status),
	};
};

export const claim: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const { total } = resource;
	const sum = spelled(total) ?? spelled(at(total, 'amount')) ?? spelled(resource.totalCost);
	const kind = titleOf(resource.type);
	return {
		section: 'coverage',
		title: texts(String(clean(resource.resourceType, 64)), kind).join(', '),
		codes: codesOf(resource.type),
		date: dateOf(at(resource, 'billablePeriod.start'), resource.created),
		end: dateOf(at(resource, 'billablePeriod.end')),
		status,
		details: texts(
			labelled('for', titlesOf(all(resource, 'item.productOrService')) ?? titlesOf(all(resource, 'item.service'))),
			labelled('diagnosis', titlesOf(all(resource, 'diagnosis.diagnosisCodeableConcept'))),
			labelled('total', sum),
			labelled('provider', namesOf(resource.provider, resolve)),
		),
		retracted: isRetracted(status),
	};
};
