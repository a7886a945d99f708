/** What one resource says, in the words of a clinician: the common ground of the summary, the search and the trends. */

import { dateOf } from '../dates.js';
import { clean, type Json, list, record, texts } from '../json.js';
import { allergy } from './allergy.js';
import { device, encounter, procedure, report } from './care.js';
import { condition } from './condition.js';
import { binary, document } from './documents.js';
import { immunization } from './immunization.js';
import { medication, substance } from './medication.js';
import { narrativeOf } from './narrative.js';
import { observation } from './observation.js';
import { other } from './other.js';
import { claim, coverage } from './payers.js';
import { family, patient } from './people.js';
import { appointment, goal, plan, request, team } from './plans.js';
import { answers } from './questionnaire.js';
import { NOTHING, namesOf, type Reader } from './told.js';

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
	/** When this version of it was made known (`issued`, else `meta.lastUpdated`): of two of one time the later one holds. */
	issued?: string;
	/** `date` is when it was written down: when it began or was found is not said. */
	recorded?: true;
	/** Of a medicine: a plan, proposal or option, which nobody ordered. */
	planned?: true;
	/** Of `history`: what somebody asked with a questionnaire, rather than what is known of the person's life. */
	survey?: true;
	/** No reader could make anything of it, for a fault of this program. */
	untold?: true;
	/** Was entered in error, refuted, or not done: kept out of the summary, found by a search. */
	retracted: boolean;
}

export interface Resolve {
	/** Finds what a reference of the same source means (`Medication/1`, `#contained`); null where it is not among the records. */
	(reference: string): Record<string, unknown> | null;
	/** Whether a reference is to the person whose records these are; absent where nobody knows who that is. */
	isOwn?: (reference: string) => boolean;
}

/** Details of one fact, and their characters together. */
const DETAILS = { most: 24, characters: 3000 };

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

/**
 * Of any resource of DSTU2, STU3, R4 or R5; nothing in it is trusted to have the shape that FHIR gives it. Never throws: a resource that
 * no reader can make anything of is still there, and has its type for a title.
 */
export function factOf(resource: Record<string, unknown>, resolve: Resolve): Fact {
	const type = clean(resource.resourceType, 64) ?? 'Unknown';
	try {
		const reader = (Object.hasOwn(READERS, type) ? READERS[type] : undefined) ?? other;
		const told = reader(resource, within(resource, resolve));
		return {
			...NOTHING,
			...told,
			// A title may be all that is left of a resource that has words only.
			title: told.title ?? told.codes?.[0]?.code ?? narrativeOf(resource) ?? type,
			details: bounded([...cautions(resource, resolve), ...(told.details ?? [])]),
			...issuedOf(resource),
		};
	} catch {
		return { ...NOTHING, title: type, details: ['it could not be told in words: see the record'], untold: true };
	}
}

/** What makes a resource say something else than it seems to: it is about somebody else, or changed by what only its maker knows. */
function cautions(resource: Json, resolve: Resolve): string[] {
	const { subject, patient, beneficiary, focus, modifierExtension } = resource;
	const others = [subject, patient, beneficiary].flatMap(list).filter((one) => {
		const { reference } = record(one);
		return typeof reference === 'string' && !reference.startsWith('#') && resolve.isOwn?.(reference) === false;
	});
	if (others.length === 0 && focus === undefined && modifierExtension === undefined) return [];
	const about = (of: unknown[]) =>
		of.map((one) => namesOf(one, resolve) ?? clean(record(one).reference, 100) ?? 'somebody');
	return texts(
		others.length > 0 && `NOT ABOUT THE PATIENT of these records, but: ${about(others).slice(0, 4).join(', ')}`,
		list(focus).length > 0 && `about: ${about(list(focus)).slice(0, 4).join(', ')}`,
		list(modifierExtension).length > 0 && 'has a modifier, which may turn its meaning: read the record',
	);
}

/** What is left out is said to be. */
function bounded(details: string[]): string[] {
	const kept: string[] = [];
	let left = DETAILS.characters;
	for (const one of details) {
		left -= one.length;
		if (kept.length >= DETAILS.most || left < 0) return [...kept, 'and more: read the record'];
		kept.push(one);
	}
	return kept;
}

function issuedOf({ issued, meta }: Json): { issued?: string } {
	const date = dateOf(issued, record(meta).lastUpdated);
	return date === null ? {} : { issued: date };
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
