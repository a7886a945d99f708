import { isObject, type Json, list } from './outcome.js';
import { parseObject } from './page.js';
import { parseReference } from './urls.js';

/**
 * Whether a resource is of another patient: a Patient with another id, or one whose subject, patient, beneficiary or
 * participants name Patients and not this one. References that cannot be resolved here (contained, `urn:`, another
 * server's) say nothing.
 */
export function isForeign(resource: Json, patientId: string, base: string): boolean {
	if (resource.resourceType === 'Patient') return resource.id !== patientId;
	let here = false;
	let elsewhere = false;
	const look = (value: unknown) => {
		if (Array.isArray(value)) value.forEach(look);
		else if (isObject(value) && typeof value.reference === 'string') {
			const to = parseReference(value.reference, base);
			if (to?.type !== 'Patient') return;
			if (to.id === patientId) here = true;
			else elsewhere = true;
		}
	};
	look(resource.subject);
	look(resource.patient);
	look(resource.beneficiary);
	look(resource.for);
	for (const one of list(resource.participant)) if (isObject(one)) look(one.actor);
	return elsewhere && !here;
}

/** What a card shows. */
export interface PatientSummary {
	name?: string;
	/** FHIR date: `1984`, `1984-02`, `1984-02-29`. */
	birthDate?: string;
}

/** The order of FHIR R4 NameUse in which to choose; old, maiden and temporary names only where there is nothing else. */
const uses = ['official', 'usual', undefined, 'nickname', 'anonymous', 'temp', 'maiden', 'old'];

/** @param text a Patient resource; null where it is not one. */
export function patientSummary(text: string): PatientSummary | null {
	const patient = parseObject(text);
	if (patient?.resourceType !== 'Patient') return null;
	const summary: PatientSummary = {};
	const names = list(patient.name)
		.filter(isObject)
		.map((name) => ({ rank: uses.indexOf(name.use as string | undefined), words: nameText(name) }))
		.filter(({ words }) => words !== '')
		.sort((a, b) => (a.rank < 0 ? uses.length : a.rank) - (b.rank < 0 ? uses.length : b.rank));
	const words = names[0]?.words;
	if (words) summary.name = words;
	const { birthDate } = patient;
	if (typeof birthDate === 'string' && /^\d{4}(-\d{2}(-\d{2})?)?$/.test(birthDate)) summary.birthDate = birthDate;
	return summary;
}

/** In the order in which the server gives them; at most 200 characters, none of them cut in half. */
function nameText(name: Json): string {
	// DSTU2 has a list of family names.
	const parts = [...list(name.prefix), ...list(name.given), ...[name.family].flat(), ...list(name.suffix)];
	const text = typeof name.text === 'string' && name.text.trim() !== '' ? name.text : parts.filter(isText).join(' ');
	return [...text.replace(/\s+/g, ' ').trim()].slice(0, 200).join('');
}

function isText(value: unknown): value is string {
	return typeof value === 'string' && value.trim() !== '';
}
