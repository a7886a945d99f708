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
