/** What is prescribed, stated, dispensed or given: MedicationOrder (DSTU2) to R5. */
import { codesOf, statusOf, titleOf, titlesOf } from './concept.js';
import { dateOf } from './date.js';
import { dosagesOf, supplyOf } from './dosage.js';
import type { Code, Resolve } from './fact.js';
import { all, clean, type Json, labelled, record, texts } from './shape.js';
import { isRetracted, noteOf, type Reader, reasonOf, whenOf } from './told.js';

/** The medicine by concept, or by a reference to a Medication among the records or inside this one. */
export function medicineOf(resource: Json, resolve: Resolve): { title: string | null; codes: Code[] } {
	const { medicationCodeableConcept, medication } = resource;
	const concept = medicationCodeableConcept ?? record(medication).concept;
	const within = record(medication).reference;
	const reference = record(resource.medicationReference ?? (typeof within === 'object' ? within : medication));
	const found = typeof reference.reference === 'string' ? resolve(reference.reference) : null;
	const codes = codesOf(concept, found?.code, typeof medication === 'object' ? medication : undefined);
	const title = titleOf(concept) ?? clean(reference.display) ?? titleOf(found?.code) ?? titleOf(medication);
	return { title, codes };
}

const KINDS: Record<string, string> = {
	MedicationStatement: 'as stated',
	MedicationDispense: 'dispensed',
	MedicationAdministration: 'administered',
};

export const medication: Reader = (resource, resolve) => {
	const { intent, dispenseRequest, wasNotTaken, wasNotGiven, dosage, dosageInstruction } = resource;
	const statement = wasNotTaken === true || resource.taken === 'n' ? 'not-taken' : null;
	const status =
		wasNotGiven === true || resource.notGiven === true ? 'not-done' : (statement ?? statusOf(resource.status));
	const taken = whenOf(resource, 'effective', 'effectiveTime', 'occurence', 'occurrence');
	const handed = dateOf(resource.whenHandedOver, resource.whenPrepared);
	const written = dateOf(resource.authoredOn, resource.dateWritten, resource.dateAsserted);
	return {
		section: 'medications',
		...medicineOf(resource, resolve),
		date: taken.date ?? handed ?? written,
		end: taken.end ?? dateOf(resource.dateEnded),
		status,
		details: texts(
			resource.doNotPerform === true && 'an order NOT to give it',
			...dosagesOf(dosageInstruction, dosage),
			clean(resource.renderedDosageInstruction, 300),
			KINDS[String(resource.resourceType)],
			typeof intent === 'string' && ['plan', 'proposal', 'option'].includes(intent) && `${intent} only`,
			labelled('adherence', titlesOf(record(resource.adherence).code)),
			supplyOf(dispenseRequest, resource),
			labelled('status reason', titlesOf(resource.statusReason ?? resource.reasonEnded)),
			reasonOf(resource, resolve),
			labelled('instructions', titlesOf(all(dosageInstruction, 'additionalInstruction'))),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

/** The medicine itself, to which others refer: no fact about the patient. */
export const substance: Reader = (resource) => ({
	section: 'other',
	title: titleOf(resource.code),
	codes: codesOf(resource.code),
	status: statusOf(resource.status),
	details: texts(titlesOf(resource.form ?? resource.doseForm)),
	retracted: isRetracted(statusOf(resource.status)),
});
