/** What one resource says, in the words of a clinician: the common ground of the summary, the search and the trends. */

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
	/** Was entered in error, refuted, or not done: kept out of the summary, found by a search. */
	retracted: boolean;
}

/** Finds what a reference of the same source means (`Medication/1`, `#contained`); null where it is not among the records. */
export type Resolve = (reference: string) => Record<string, unknown> | null;

/** Of any resource of DSTU2, STU3, R4 or R5; nothing in it is trusted to have the shape that FHIR gives it. */
export function factOf(_resource: Record<string, unknown>, _resolve: Resolve): Fact {
	throw new Error('not yet');
}
