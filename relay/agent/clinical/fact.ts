/** What one resource says, in the words of a clinician: the common ground of the summary, the search and the trends. */
import { allergy } from './allergy.js';
import { binary, device, document, encounter, procedure, report } from './care.js';
import { condition } from './condition.js';
import { immunization } from './immunization.js';
import { medication, substance } from './medication.js';
import { narrativeOf } from './narrative.js';
import { observation } from './observation.js';
import { other } from './other.js';
import { answers, claim, coverage, family, patient } from './people.js';
import { appointment, goal, plan, request, team } from './plans.js';
import { clean, type Json, list, record } from './shape.js';
import type { Reader } from './told.js';

/** Sections of the summary, in its order. `other` is in the records, and in no section. */
export const SECTIONS = [
	'patient',
	'problems',
	'medications',
	'allergies',
	'immunizations',
	'labs',
	'vitals',
	'procedures',
	'encounters',
	'reports',
	'documents',
	'plans',
	'history',
	'coverage',
	'other',
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Code {
	/** As served: `http://loinc.org`. */
	system: string | null;
	code: string;
	display: string | null;
}

/** A measured value. Numbers keep their text as served: 1.50 stays 1.50. */
export interface Quantity {
	text: string;
	/** For comparing and drawing; null where it is no number. */
	number: number | null;
	unit: string | null;
}

export interface Fact {
	section: Section;
	/** What it is: "Hemoglobin A1c", "Penicillin G", "Office visit". Never empty: at worst the resource type. */
	title: string;
	/** When it was, or began: a FHIR date or dateTime as served; null where the resource does not say. */
	date: string | null;
	/** Where it ended or was abated, likewise. */
	end: string | null;
	codes: Code[];
	/** `active`, `resolved`, `completed`, …: the resource's own word, the one that matters for it. */
	status: string | null;
	/** Observations; components are facts of their own under `parts`. */
	value: Quantity | null;
	/** The reference range as a person reads it: "4.0–5.6 %", "negative". */
	range: string | null;
	/** By the lab's own interpretation, else by comparing the value with the range where both have numbers of one unit. */
	flag: 'low' | 'high' | 'critical_low' | 'critical_high' | 'abnormal' | null;
	/** What else belongs to the line: "reaction: hives (severe)", "500 mg twice daily", "at Lakeside Clinic". Plain text. */
	details: string[];
	/** The parts of a panel: systolic and diastolic. */
	parts: Fact[];
	/** Of `history`: what somebody asked with a questionnaire, rather than what is known of the person's life. */
	survey?: true;
	/** Was entered in error, refuted, or not done: kept out of the summary, found by a search. */
	retracted: boolean;
}

/** Finds what a reference of the same source means (`Medication/1`, `#contained`); null where it is not among the records. */
export type Resolve = (reference: string) => Record<string, unknown> | null;

/** Details of one fact. */
const DETAILS = 12;

const READERS: Record<string, Reader> = {
	Patient: patient,
	Condition: condition,
	MedicationRequest: medication,
	MedicationOrder: medication,
	MedicationPrescription: medication,
	MedicationStatement: medication,
	MedicationDispense: medication,
	MedicationAdministration: medication,
	Medication: substance,
	AllergyIntolerance: allergy,
	Immunization: immunization,
	Observation: observation,
	Procedure: procedure,
	Device: device,
	DeviceUseStatement: device,
	DeviceUsage: device,
	Encounter: encounter,
	DiagnosticReport: report,
	ImagingStudy: report,
	DocumentReference: document,
	Composition: document,
	Binary: binary,
	CarePlan: plan,
	Goal: goal,
	ServiceRequest: request,
	ProcedureRequest: request,
	ReferralRequest: request,
	DiagnosticOrder: request,
	DeviceRequest: request,
	NutritionOrder: request,
	Appointment: appointment,
	CareTeam: team,
	FamilyMemberHistory: family,
	QuestionnaireResponse: answers,
	Coverage: coverage,
	Claim: claim,
	ClaimResponse: claim,
	ExplanationOfBenefit: claim,
};

/** Of any resource of DSTU2, STU3, R4 or R5; nothing in it is trusted to have the shape that FHIR gives it. */
export function factOf(resource: Record<string, unknown>, resolve: Resolve): Fact {
	const type = clean(resource.resourceType, 64) ?? 'Unknown';
	const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
	const told = (reader ?? other)(resource, within(resource, resolve));
	return {
		date: null,
		end: null,
		codes: [],
		status: null,
		value: null,
		range: null,
		flag: null,
		parts: [],
		retracted: false,
		...told,
		// A title may be all that is left of a resource that has words only.
		title: told.title ?? told.codes?.[0]?.code ?? narrativeOf(resource) ?? type,
		details: (told.details ?? []).slice(0, DETAILS),
	};
}

/** Looks for what is contained in the resource itself before it asks. */
function within(resource: Json, resolve: Resolve): Resolve {
	return (reference) => {
		if (!reference.startsWith('#')) return resolve(reference);
		const found = list(resource.contained)
			.map(record)
			.find(({ id }) => id === reference.slice(1));
		return found ?? null;
	};
}
