/** Which reader makes a fact of which resource, and what all facts have in common. */

import { dateOf } from '../dates.js';
import { clean, type Json, list, record, texts } from '../json.js';
import { allergy } from './allergy.js';
import { device, encounter, procedure, report } from './care.js';
import { condition } from './condition.js';
import { binary, document } from './documents.js';
import type { Fact, Resolve } from './fact.js';
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
