/** What each section of the summary holds: its heading, its kinds of resources, what stands apart in it, and how many lines. */
import type { Fact, Section } from '../clinical/fact.js';
import { isOver } from '../clinical/status.js';

export interface SectionRules {
	/** Has the section's own name in it, by which a part of the file is found. */
	heading: string;
	/**
	 * Kinds that make the section what it is; in a list those that are one kind under the names of several versions of FHIR. Of what
	 * was not asked for nobody knows whether there is any.
	 */
	main: readonly (string | readonly string[])[];
	/** Others, whose failing leaves a gap in it. */
	also?: readonly string[];
	/** Values of the category parameter that are about it; a query without one, or with a strange one, is about it too. */
	categories?: readonly string[];
	/** Lines at most. */
	lines: number;
	/** Headings of what stands apart in it, in their order; without them it has no parts. */
	groups?: readonly string[];
	/** The position in `groups`. */
	groupOf?: (fact: Fact, type: string) => number;
	/**
	 * `code`: what has one code is one line, the newest first. `date`: what has one code and one day is. `own`: each is.
	 * `kind`: one line for each resource type.
	 */
	by: 'code' | 'date' | 'own' | 'kind';
	/** Different things said of one code that have lines below the first, at most. */
	others: number;
	/** Whether each of them matters, however old. */
	every?: true;
	/** Whether lines of one thing in different groups point at each other: still active here, stopped there. */
	points?: true;
}

const word = (words: string) => new Set(words.split(' '));
const ACTIVE_PROBLEM = word('active recurrence relapse');
const OPEN_PLAN = word(
	'active in-progress accepted proposed planned pending booked arrived checked-in waitlist draft ready requested on-hold on-track ahead-of-target behind-target sustaining',
);

const MEDICINES = ['MedicationRequest', 'MedicationOrder', 'MedicationStatement', 'MedicationPrescription'];
const CLAIMS = new Set(['Claim', 'ClaimResponse', 'ExplanationOfBenefit']);

/** active, not said (or in words that nobody knows), over */
const among = (active: ReadonlySet<string>, status: string | null) => {
	if (status !== null && active.has(status)) return 0;
	return isOver(status) ? 2 : 1;
};

export const RULES: Record<Section, SectionRules> = {
	patient: { heading: 'Patient', main: ['Patient'], lines: 12, by: 'own', others: 0 },
	problems: {
		heading: 'Problems',
		main: ['Condition'],
		lines: 60,
		by: 'code',
		others: 6,
		every: true,
		points: true,
		groups: ['Active', 'Status not said', 'Resolved or inactive'],
		groupOf: ({ status }) => among(ACTIVE_PROBLEM, status),
	},
	medications: {
		heading: 'Medications',
		main: [MEDICINES.filter((kind) => kind !== 'MedicationStatement'), 'MedicationStatement'],
		also: ['MedicationDispense', 'MedicationAdministration', 'Medication'],
		lines: 60,
		by: 'code',
		others: 10,
		every: true,
		points: true,
		groups: [
			'Active',
			'On hold, planned, or status not said',
			'Dispensed or administered',
			'Stopped, completed or over',
		],
		groupOf: ({ status }, type) => {
			if (!MEDICINES.includes(type)) return 2;
			if (status === 'active') return 0;
			return isOver(status) ? 3 : 1;
		},
	},
	allergies: {
		heading: 'Allergies and intolerances',
		main: ['AllergyIntolerance'],
		lines: 50,
		by: 'code',
		others: 10,
		every: true,
		points: true,
		groups: ['Active', 'Status not said', 'Resolved or inactive'],
		groupOf: ({ status }) => among(word('active'), status),
	},
	immunizations: { heading: 'Immunizations', main: ['Immunization'], lines: 40, by: 'code', others: 0 },
	labs: {
		heading: 'Laboratory results (labs)',
		main: ['Observation'],
		categories: ['laboratory'],
		lines: 60,
		by: 'code',
		others: 0,
		groups: ['Out of range, or called abnormal by the laboratory', 'Not called out of range'],
	},
	vitals: {
		heading: 'Vital signs (vitals)',
		main: ['Observation'],
		categories: ['vital-signs'],
		lines: 20,
		by: 'code',
		others: 0,
	},
	procedures: {
		heading: 'Procedures and devices',
		main: ['Procedure'],
		also: ['Device', 'DeviceUseStatement'],
		lines: 30,
		by: 'code',
		others: 3,
	},
	encounters: { heading: 'Encounters', main: ['Encounter'], lines: 20, by: 'date', others: 3 },
	reports: {
		heading: 'Reports and findings',
		main: ['DiagnosticReport'],
		also: ['ImagingStudy', 'Observation'],
		categories: [
			'imaging',
			'procedure',
			'exam',
			'therapy',
			'activity',
			'LAB',
			'RAD',
			'LP29684-5',
			'LP29708-2',
			'LP7839-6',
		],
		lines: 30,
		by: 'code',
		others: 3,
	},
	documents: {
		heading: 'Documents',
		main: ['DocumentReference'],
		also: ['Binary', 'Composition'],
		lines: 40,
		by: 'own',
		others: 0,
	},
	plans: {
		heading: 'Plans, goals, orders and appointments',
		main: [
			'CarePlan',
			'Goal',
			['ServiceRequest', 'ProcedureRequest', 'ReferralRequest', 'DiagnosticOrder'],
			'Appointment',
			'CareTeam',
		],
		also: ['DeviceRequest', 'NutritionOrder'],
		lines: 40,
		by: 'code',
		others: 2,
		groups: ['Open', 'Status not said', 'Over'],
		groupOf: ({ status }) => among(OPEN_PLAN, status),
	},
	history: {
		heading: 'Family and social history, questionnaires',
		main: ['FamilyMemberHistory', 'QuestionnaireResponse', 'Observation'],
		categories: ['social-history', 'survey', 'sdoh', 'functional-status', 'disability-status', 'cognitive-status'],
		lines: 30,
		by: 'code',
		others: 2,
		groups: ['Family', 'Life', 'Questionnaires and their answers'],
		groupOf: ({ survey }, type) => (type === 'FamilyMemberHistory' ? 0 : survey ? 2 : 1),
	},
	coverage: {
		heading: 'Coverage and claims',
		main: ['Coverage'],
		also: [...CLAIMS],
		lines: 20,
		by: 'code',
		others: 2,
		groups: ['Coverage', 'Claims, by number'],
		groupOf: (_, type) => (CLAIMS.has(type) ? 1 : 0),
	},
	other: { heading: 'Other kinds of records', main: [], lines: 60, by: 'kind', others: 0 },
};

/** Claims repeat what the visits say; they are counted. */
export function countedOnly(section: Section, type: string): boolean {
	return RULES[section].by === 'kind' || CLAIMS.has(type);
}
