import { isObject, type Json, list } from './outcome.js';
import { parseObject } from './page.js';
import { patientOf } from './urls.js';

/**
 * Elements that say whose a resource is (FHIR R4, Patient compartment; DSTU2's and R5's names are the same): each of them
 * names its owner, or owners (Account).
 */
const OWNERS = [
	...['subject', 'patient', 'beneficiary'],
	// Task, EnrollmentRequest, ResearchSubject, Binary.
	...['for', 'candidate', 'individual', 'securityContext'],
];
/**
 * Elements that say so where none of those does, by the member that holds the reference. Not in it, although parts of the
 * compartment: who wrote, performed or paid (a mother may be a Patient too).
 */
const OTHERS: readonly (readonly [element: string, member?: string])[] = [
	// Appointment; AppointmentResponse and Schedule.
	['participant', 'actor'],
	['actor'],
	// Group, Person, Provenance, Communication.
	['member', 'entity'],
	['link', 'target'],
	['target'],
	['recipient'],
	['sender'],
];

/**
 * Whether a resource is of another patient: a Patient with another id, or one of which an element that says whose it is
 * names Patients and not this one. References that cannot be resolved here (contained, `urn:`, another server's) say
 * nothing. Looks no deeper than those elements: depth is the server's choice.
 */
export function isForeign(resource: Json, patientId: string, base: string): boolean {
	if (resource.resourceType === 'Patient') return resource.id !== patientId;
	const whose = (values: unknown[]) => {
		let elsewhere = false;
		for (const value of values) {
			if (!isObject(value) || typeof value.reference !== 'string') continue;
			if (value.reference === `Patient/${patientId}`) return 'own';
			const id = patientOf(value.reference, base);
			if (id === patientId) return 'own';
			if (id !== null) elsewhere = true;
		}
		return elsewhere ? 'foreign' : null;
	};
	const owners = OWNERS.map((name) => (resource[name] === undefined ? null : whose([resource[name]].flat())));
	if (owners.includes('foreign')) return true;
	if (owners.includes('own')) return false;
	const others = OTHERS.flatMap(([name, member]) => {
		if (resource[name] === undefined) return [];
		const values = [resource[name]].flat();
		return member === undefined ? values : values.flatMap((one) => (isObject(one) ? [one[member]].flat() : []));
	});
	return whose(others) === 'foreign';
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
