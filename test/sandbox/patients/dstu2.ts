/**
 * A record in the shapes of FHIR DSTU2 (1.0.2) and Argonaut, made from one of R4: as far as the generator goes, not for any
 * record. What DSTU2 has no resource for is left out; a CareTeam is a CarePlan there.
 */
import { at } from '../fhir/params.js';
import { type Json, PatientRecord } from '../fhir/record.js';

type Shape = (json: Json) => Json;

const list = (value: unknown) => (value === undefined ? [] : [value].flat()) as Json[];
const first = (value: unknown) => list(value)[0];
const code = (json: Json, element: string): string => String(at(json, `${element}.coding.code`)[0] ?? '');
const family = (name: unknown) => list(name).map((one) => ({ ...one, family: list(one.family) }));

/** The elements named, as they are. */
function keep(json: Json, ...names: string[]): Json {
	return Object.fromEntries(names.filter((name) => json[name] !== undefined).map((name) => [name, json[name]]));
}

const same = (json: Json) => json;
const ARGONAUT = 'http://argonaut.hl7.org';

/** By R4 type; the result may be of another type. */
const shapes: Record<string, Shape> = {
	// No text: the name is to be put together from lists.
	Patient: (json) => ({
		...json,
		name: family(json.name).map((name) => ({ ...name, text: undefined })),
		extension: undefined,
	}),
	AllergyIntolerance: (json) => ({
		...keep(json, 'patient', 'recordedDate'),
		resourceType: 'AllergyIntolerance',
		substance: json.code,
		status: code(json, 'clinicalStatus'),
		note: first(json.note),
	}),
	Appointment: same,
	Binary: ({ data, ...json }) => ({ ...json, content: data }),
	CarePlan: (json) => ({
		...keep(json, 'text', 'subject', 'status', 'period'),
		category: [{ coding: [{ system: ARGONAUT, code: 'assess-plan' }] }],
		goal: json.goal,
	}),
	CareTeam: (json) => ({
		...keep(json, 'subject', 'status'),
		resourceType: 'CarePlan',
		category: [{ coding: [{ system: ARGONAUT, code: 'careteam' }] }],
		participant: list(json.participant)
			.filter(({ member }) => !String((member as Json | undefined)?.reference).startsWith('PractitionerRole/'))
			.map(({ role, member }) => ({ role: first(role), member })),
	}),
	Condition: (json) => ({
		...keep(json, 'code', 'encounter', 'onsetDateTime'),
		patient: json.subject,
		dateRecorded: json.recordedDate,
		category: {
			coding: [
				code(json, 'category') === 'encounter-diagnosis'
					? { system: 'http://hl7.org/fhir/condition-category', code: 'diagnosis' }
					: { system: ARGONAUT, code: 'problem' },
			],
		},
		clinicalStatus: code(json, 'clinicalStatus'),
		verificationStatus: code(json, 'verificationStatus'),
	}),
	Device: (json) => ({ ...keep(json, 'type', 'patient'), status: 'available' }),
	DiagnosticReport: (json) => ({ ...json, category: first(json.category), performer: first(json.performer) }),
	DocumentReference: ({ category, date, context, ...json }) => ({
		...json,
		class: first(category),
		created: date,
		indexed: date,
		context: { ...(context as Json), encounter: at({ context }, 'context.encounter')[0] },
	}),
	Encounter: ({ subject, ...json }) => ({ ...json, patient: subject, class: 'outpatient' }),
	Goal: (json) => ({
		...keep(json, 'subject', 'startDate'),
		description: at(json, 'description.text')[0],
		status: 'in-progress',
		targetDate: at(json, 'target.dueDate')[0],
	}),
	Immunization: (json) => ({
		...keep(json, 'status', 'patient', 'vaccineCode'),
		date: json.occurrenceDateTime,
		wasNotGiven: false,
		reported: false,
	}),
	Location: same,
	Medication: (json) => keep(json, 'code'),
	MedicationRequest: (json) => ({
		...keep(json, 'status', 'encounter', 'medicationCodeableConcept', 'medicationReference'),
		resourceType: 'MedicationOrder',
		patient: json.subject,
		dateWritten: json.authoredOn,
		prescriber: json.requester,
		dosageInstruction: list(json.dosageInstruction).map(({ text }) => ({ text })),
	}),
	Observation: ({ note, ...json }) => ({
		...json,
		category: first(json.category),
		interpretation: first(json.interpretation),
		comments: at({ note }, 'note.text')[0],
	}),
	Organization: same,
	Practitioner: (json) => ({ ...json, name: family(json.name)[0] }),
	Procedure: same,
	RelatedPerson: (json) => ({ ...json, relationship: first(json.relationship), name: first(json.name) }),
};

export function toDstu2(record: PatientRecord): PatientRecord {
	const result = new PatientRecord(record.patientId);
	for (const { type, id, text } of record.all()) {
		const shape = shapes[type];
		if (!shape) continue;
		const json = JSON.parse(text) as Json & { meta?: Json };
		const { versionId, lastUpdated } = json.meta ?? {};
		const now: Json = { resourceType: type, id, ...shape(json), meta: { versionId, lastUpdated } };
		result.add(String(now.resourceType), id, JSON.stringify({ ...now, id }));
	}
	return result;
}
