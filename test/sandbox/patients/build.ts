/** Collects generated resources as text, and spells the parts of FHIR that repeat. */
import type { Json } from '../fhir/record.js';
import { PatientRecord } from '../fhir/record.js';
import { idOf, type Random, random } from './random.js';
import { HL7, LOINC, type Measure, type Term, UCUM, US_CORE } from './terms.js';

const DECIMAL = '#decimal ';
/** Stands for an emoji that is served as escaped surrogates, which a client must not turn into anything else. */
export const ESCAPED_EMOJI = '\ue000';

/** Serialises as a number with exactly these decimals: 1.50 stays 1.50. */
export const decimal = (value: number, decimals: number): string => `${DECIMAL}${value.toFixed(decimals)}`;

function serialise(resource: Json): string {
	const text = JSON.stringify(resource);
	if (resource.resourceType === 'Binary') return text;
	return text.replace(/"#decimal (-?[\d.]+)"/g, '$1').replaceAll(ESCAPED_EMOJI, '\\ud83d\\ude42');
}

export class Builder {
	readonly random: Random;
	readonly record: PatientRecord;
	readonly subject: Json;
	#number = 0;

	/** `seed` names the person and the place; the patient's id follows from it alone, whatever the size. */
	constructor(
		readonly seed: string,
		bytes: number,
	) {
		this.random = random(`${seed}/${bytes}`);
		const patientId = idOf(`${seed}/Patient`);
		this.record = new PatientRecord(patientId);
		this.subject = { reference: `Patient/${patientId}` };
	}

	/** Adds a resource and answers a reference to it. */
	put(type: string, body: Json, lastUpdated = '2025-12-01T08:00:00Z'): Json & { reference: string } {
		const id = type === 'Patient' ? this.record.patientId : idOf(`${this.seed}/${type}/${this.#number++}`);
		const profile = profiles[type];
		const meta = {
			versionId: '1',
			lastUpdated,
			...(profile ? { profile: [`${US_CORE}/StructureDefinition/${profile}`] } : {}),
		};
		this.record.add(type, id, serialise({ resourceType: type, id, meta, ...body }));
		return { reference: `${type}/${id}` };
	}
}

const profiles: Record<string, string> = {
	Patient: 'us-core-patient',
	AllergyIntolerance: 'us-core-allergyintolerance',
	CarePlan: 'us-core-careplan',
	CareTeam: 'us-core-careteam',
	Coverage: 'us-core-coverage',
	DocumentReference: 'us-core-documentreference',
	Encounter: 'us-core-encounter',
	Goal: 'us-core-goal',
	Immunization: 'us-core-immunization',
	Location: 'us-core-location',
	MedicationRequest: 'us-core-medicationrequest',
	Organization: 'us-core-organization',
	Practitioner: 'us-core-practitioner',
	PractitionerRole: 'us-core-practitionerrole',
	Procedure: 'us-core-procedure',
	Provenance: 'us-core-provenance',
};

export const concept = (system: string, [code, display]: Term): Json => ({
	coding: [{ system, code, display }],
	text: display,
});

/** A CodeableConcept of an HL7 terminology. */
export const coded = (name: string, code: string): Json => ({ coding: [{ system: `${HL7}/${name}`, code }] });

/** `valueQuantity`, range and interpretation of a measurement, now and then outside its range. */
export function measured(random: Random, [code, display, unit, low, high, decimals]: Measure): Json {
	const spread = high - low;
	const value = low - spread * 0.15 + random.next() * spread * 1.3;
	const quantity = (number: number): Json => ({ value: decimal(number, decimals), unit, system: UCUM, code: unit });
	const interpretation = value < low ? 'L' : value > high ? 'H' : 'N';
	return {
		code: concept(LOINC, [code, display]),
		valueQuantity: quantity(value),
		referenceRange: [{ low: quantity(low), high: quantity(high) }],
		interpretation: [coded('v3-ObservationInterpretation', interpretation)],
	};
}
