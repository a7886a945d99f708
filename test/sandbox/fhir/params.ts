/**
 * The search parameters of the sandbox: one table that both the CapabilityStatement and the search read.
 * Names and paths are those of FHIR R4 and US Core.
 */
import type { Json } from './record.js';

export type ParamType = 'token' | 'date' | 'reference';
export interface Param {
	type: ParamType;
	/** Elements to look at; a dot goes down, arrays are walked. */
	paths: string[];
}

const token = (...paths: string[]): Param => ({ type: 'token', paths });
const date = (...paths: string[]): Param => ({ type: 'date', paths });
const reference = (...paths: string[]): Param => ({ type: 'reference', paths });

const subject = { patient: reference('subject'), subject: reference('subject') };
const patient = { patient: reference('patient') };

/** Types with the parameters beside `_id` and `_lastUpdated`; none means that only reading by id and `_id` work. */
export const searchParams: Record<string, Record<string, Param>> = {
	AllergyIntolerance: { ...patient, 'clinical-status': token('clinicalStatus'), category: token('category') },
	Appointment: { patient: reference('participant.actor'), date: date('start'), status: token('status') },
	Binary: {},
	CarePlan: { ...subject, category: token('category'), status: token('status'), date: date('period') },
	CareTeam: { ...subject, status: token('status') },
	Claim: { ...patient, status: token('status') },
	Condition: {
		...subject,
		category: token('category'),
		code: token('code'),
		'clinical-status': token('clinicalStatus'),
		'onset-date': date('onsetDateTime', 'onsetPeriod'),
		'recorded-date': date('recordedDate'),
		encounter: reference('encounter'),
	},
	Coverage: { patient: reference('beneficiary'), beneficiary: reference('beneficiary'), status: token('status') },
	Device: { ...patient, type: token('type'), status: token('status') },
	DiagnosticReport: {
		...subject,
		category: token('category'),
		code: token('code'),
		date: date('effectiveDateTime', 'effectivePeriod'),
		status: token('status'),
	},
	DocumentReference: {
		...subject,
		category: token('category'),
		type: token('type'),
		date: date('date'),
		period: date('context.period'),
		status: token('status'),
	},
	Encounter: { ...subject, class: token('class'), type: token('type'), date: date('period'), status: token('status') },
	ExplanationOfBenefit: { ...patient, status: token('status') },
	FamilyMemberHistory: { ...patient, status: token('status') },
	Goal: {
		...subject,
		'lifecycle-status': token('lifecycleStatus'),
		'target-date': date('target.dueDate'),
	},
	ImagingStudy: { ...subject, started: date('started'), status: token('status') },
	Immunization: { ...patient, date: date('occurrenceDateTime'), status: token('status') },
	Location: {},
	Media: { ...subject, status: token('status') },
	Medication: {},
	MedicationDispense: { ...subject, status: token('status'), type: token('type') },
	MedicationRequest: {
		...subject,
		intent: token('intent'),
		status: token('status'),
		authoredon: date('authoredOn'),
		encounter: reference('encounter'),
	},
	Observation: {
		...subject,
		category: token('category'),
		code: token('code'),
		date: date('effectiveDateTime', 'effectivePeriod', 'effectiveInstant'),
		status: token('status'),
		encounter: reference('encounter'),
	},
	Organization: {},
	Patient: {},
	Practitioner: {},
	PractitionerRole: { practitioner: reference('practitioner'), organization: reference('organization') },
	Procedure: {
		...subject,
		code: token('code'),
		date: date('performedDateTime', 'performedPeriod'),
		status: token('status'),
	},
	Provenance: { patient: reference('target'), target: reference('target') },
	Questionnaire: {},
	QuestionnaireResponse: { ...subject, status: token('status'), authored: date('authored') },
	RelatedPerson: { ...patient },
	ServiceRequest: {
		...subject,
		category: token('category'),
		code: token('code'),
		authored: date('authoredOn'),
		status: token('status'),
		intent: token('intent'),
	},
	Specimen: { ...subject },
};

/** The same for DSTU2 (1.0.2): what Oracle Health documents for its server, and references to read. */
const dstu2Params: Record<string, Record<string, Param>> = {
	AllergyIntolerance: { ...patient, status: token('status') },
	Appointment: { patient: reference('participant.actor'), date: date('start'), status: token('status') },
	Binary: {},
	CarePlan: { ...subject, category: token('category'), date: date('period') },
	Condition: { ...patient, category: token('category'), clinicalstatus: token('clinicalStatus') },
	Device: { ...patient },
	DiagnosticReport: { ...subject, date: date('effectiveDateTime') },
	DocumentReference: { ...subject, created: date('created'), type: token('type') },
	Encounter: { ...patient, status: token('status') },
	Goal: { patient: reference('subject'), date: date('startDate') },
	Immunization: { ...patient, date: date('date') },
	Location: {},
	Medication: {},
	MedicationOrder: { ...patient, status: token('status') },
	MedicationStatement: { ...patient, status: token('status') },
	Observation: { ...subject, category: token('category'), code: token('code'), date: date('effectiveDateTime') },
	Organization: {},
	Patient: {},
	Practitioner: {},
	Procedure: { ...subject, date: date('performedDateTime') },
	RelatedPerson: { ...patient },
};

export type FhirVersion = '4.0.1' | '1.0.2';

export const paramsOf = (version: FhirVersion): typeof searchParams =>
	version === '1.0.2' ? dstu2Params : searchParams;

/** Common to all types. */
export const commonParams: Record<string, Param> = { _id: token('id'), _lastUpdated: date('meta.lastUpdated') };

/** Every element at a path. */
export function at(json: unknown, path: string): unknown[] {
	let found: unknown[] = [json];
	for (const name of path.split('.')) {
		found = found.flatMap((value) => {
			const child = typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
			return child === undefined || child === null ? [] : Array.isArray(child) ? child : [child];
		});
	}
	return found;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `system|code` of a code, Coding, CodeableConcept or Identifier. */
function tokens(value: unknown): string[] {
	if (typeof value === 'string') return [`|${value}`];
	if (typeof value !== 'object' || value === null) return [];
	const { coding, code, system } = value as Json;
	if (Array.isArray(coding)) return coding.flatMap(tokens);
	return code === undefined ? [] : [`${text(system)}|${text(code)}`];
}

/** `start/end` as written, either side empty where it is open. */
function dates(value: unknown): string[] {
	if (typeof value === 'string') return [`${value}/${value}`];
	if (typeof value !== 'object' || value === null) return [];
	const { start, end } = value as Json;
	return [`${text(start)}/${text(end)}`];
}

const references = (value: unknown): string[] => {
	const found = typeof value === 'object' && value !== null ? text((value as Json).reference) : '';
	return found === '' ? [] : [found.split('/').slice(-2).join('/')];
};

const readers: Record<ParamType, (value: unknown) => string[]> = {
	token: tokens,
	date: dates,
	reference: references,
};

/** The values of a parameter in a resource, in the forms above. */
export function extract(json: Json, param: Param): string[] {
	return param.paths.flatMap((path) => at(json, path)).flatMap(readers[param.type]);
}

/** Elements through which a resource belongs to a patient (the Patient CompartmentDefinition, shortened). */
const compartment: Param = {
	type: 'reference',
	paths: ['subject', 'patient', 'beneficiary', 'individual', 'for', 'participant.actor', 'target'],
};

/** The ids of the patients that a resource speaks of. */
export function patientsOf(json: Json): string[] {
	if (json.resourceType === 'Patient') return [text(json.id)];
	return extract(json, compartment)
		.filter((value) => value.startsWith('Patient/'))
		.map((value) => value.slice('Patient/'.length));
}
