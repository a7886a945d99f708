/** What is prescribed, stated, dispensed or given: MedicationOrder (DSTU2) to R5. */

import { dateOf } from '../dates.js';
import { all, clean, type Json, labelled, record, texts } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { dosagesOf, supplyOf } from './dosage.js';
import type { Code, Resolve } from './fact.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, type Reader, reasonOf, whenOf } from './told.js';

/** The medicine by concept, or by a reference to a Medication among the records or inside this one. */
function medicineOf(
	resource: Json,
	resolve: Resolve,
): { title: string | null; codes: Code[]; elsewhere: string | null } {
	const { medicationCodeableConcept, medication } = resource;
	const concept = medicationCodeableConcept ?? record(medication).concept;
	const within = record(medication).reference;
	const reference = record(resource.medicationReference ?? (typeof within === 'object' ? within : medication));
	const found = typeof reference.reference === 'string' ? resolve(reference.reference) : null;
	const codes = codesOf(concept, found?.code, typeof medication === 'object' ? medication : undefined);
	const named = titleOf(concept) ?? clean(reference.display) ?? titleOf(found?.code) ?? titleOf(medication);
	const title = named ?? (found && ingredientsOf(found));
	return { title, codes, elsewhere: title === null && codes.length === 0 ? clean(reference.reference, 150) : null };
}

/** What is in a Medication, for one that has no name: of every version. */
export function ingredientsOf(medication: Json): string | null {
	const items = [
		'ingredient.itemCodeableConcept',
		'ingredient.itemReference.display',
		'ingredient.item',
		'ingredient.item.display',
	].flatMap((path) => [...all(medication, path), ...all(medication, `product.${path}`)]);
	return texts(...items.slice(0, 12).map(titleOf)).join(' + ') || null;
}

const KINDS: Record<string, string> = {
	MedicationStatement: 'as stated',
	MedicationDispense: 'dispensed',
	MedicationAdministration: 'administered',
};

export const medication: Reader = (resource, resolve) => {
	const { intent, dispenseRequest, wasNotTaken, wasNotGiven, dosage, dosageInstruction } = resource;
	const planned = typeof intent === 'string' && ['plan', 'proposal', 'option'].includes(intent);
	const statement = wasNotTaken === true || resource.taken === 'n' ? 'not-taken' : null;
	const status =
		wasNotGiven === true || resource.notGiven === true ? 'not-done' : (statement ?? statusOf(resource.status));
	const { elsewhere, ...medicine } = medicineOf(resource, resolve);
	const taken = whenOf(resource, 'effective', 'effectiveTime', 'occurence', 'occurrence');
	const handed = dateOf(resource.whenHandedOver, resource.whenPrepared);
	const written = dateOf(resource.authoredOn, resource.dateWritten, resource.dateAsserted);
	return {
		section: 'medications',
		...medicine,
		date: taken.date ?? handed ?? written,
		end: taken.end ?? dateOf(resource.dateEnded),
		status,
		details: texts(
			resource.doNotPerform === true && 'an order NOT to give it',
			...dosagesOf(dosageInstruction, dosage),
			labelled('which medicine is not among these records, but at', elsewhere),
			clean(resource.renderedDosageInstruction, 300),
			KINDS[String(resource.resourceType)],
			planned && `a ${intent}, not an order`,
			(resource.reportedBoolean === true || record(resource.reported).reference !== undefined) && 'as reported',
			labelled('adherence', titlesOf(record(resource.adherence).code)),
			supplyOf(dispenseRequest, resource),
			labelled('status reason', titlesOf(resource.statusReason ?? resource.reasonEnded)),
			reasonOf(resource, resolve),
			labelled('instructions', titlesOf(all(dosageInstruction, 'additionalInstruction'))),
			noteOf(resource),
		),
		...(planned && { planned: true as const }),
		retracted: isRetracted(status),
	};
};

/** The medicine itself, to which others refer: no fact about the patient. */
export const substance: Reader = (resource) => ({
	section: 'other',
	title: titleOf(resource.code) ?? ingredientsOf(resource),
	codes: codesOf(resource.code),
	status: statusOf(resource.status),
	details: texts(titlesOf(resource.form ?? resource.doseForm)),
	retracted: isRetracted(statusOf(resource.status)),
});
