import { MAX_DOCUMENT_BYTES } from '../fhir/documents.js';

/**
 * What is typical of a FHIR record, where nothing better is known.
 *
 * Octets of a resource as JSON: means over the ten Synthea records of smart-on-fhir/generated-sample-data (4,252 resources) where they
 * have the type, else over the examples of US Core.
 */
const OCTETS: Readonly<Record<string, number>> = {
	CarePlan: 1350,
	CareTeam: 1600,
	Claim: 1350,
	Condition: 800,
	Coverage: 1000,
	DiagnosticReport: 1500,
	DocumentReference: 1300,
	Encounter: 800,
	ExplanationOfBenefit: 4600,
	Goal: 460,
	ImagingStudy: 1050,
	Immunization: 600,
	MedicationRequest: 800,
	Observation: 830,
	Patient: 3300,
	Procedure: 650,
	Provenance: 640,
	QuestionnaireResponse: 1900,
};
const OTHERS = 800;

export function typicalOctets(type: string): number {
	return Object.hasOwn(OCTETS, type) ? (OCTETS[type] ?? OTHERS) : OTHERS;
}

/**
 * By the beginning of a document's media type: characters of text in an octet of its base64, and octets of the Binary where
 * nobody says its size. C-CDA: measured with HL7/C-CDA-Examples, where 1.4 to 2.2 % of the base64 is narrative without markup.
 */
const DOCUMENTS: readonly [type: string, text: number, octets: number][] = [
	['text/plain', 0.75, 8000],
	['text/html', 0.35, 16_000],
	['text/rtf', 0.35, 24_000],
	['application/rtf', 0.35, 24_000],
	['text/xml', 0.02, 215_000],
	['application/xml', 0.02, 215_000],
	['application/pdf', 0.04, 200_000],
	['image/', 0, 500_000],
];
const OTHER_OCTETS = 100_000;
const OTHER_TEXT = 0.05;
const utf8 = new TextDecoder();
/** Where a Binary's media type stands, in lines that this worker made and in most others. */
const HEAD = 600;

/** Octets of one line that a model reads: of a document only its text. */
export function textOf(type: string, line: Uint8Array): number {
	if (type !== 'Binary') return line.length;
	const media = /"contentType"\s*:\s*"([^"]+)"/.exec(utf8.decode(line.subarray(0, HEAD)))?.[1] ?? '';
	return Math.round(line.length * shareOfText(media));
}

const rowOf = (media: unknown) => DOCUMENTS.find(([start]) => typeof media === 'string' && media.startsWith(start));

/** Characters of text in an octet of a document's Binary. @param media as a server writes it */
export function shareOfText(media: unknown): number {
	return rowOf(media)?.[1] ?? OTHER_TEXT;
}

/** Octets of a Binary around its base64. */
const AROUND = 120;

/** Octets of a document's Binary. @param size of its content (`Attachment.size`), as a server writes it */
export function documentOctets(media: unknown, size: unknown): number {
	if (typeof size === 'number' && size >= 0 && size <= MAX_DOCUMENT_BYTES) return Math.ceil(size / 3) * 4 + AROUND;
	return rowOf(media)?.[2] ?? OTHER_OCTETS;
}

/** Of all octets of a type, where nothing is known of each. */
export function typicalText(type: string, octets: number): number {
	return type === 'Binary' ? Math.round(octets * OTHER_TEXT) : octets;
}

/** Octets of FHIR JSON in a token: codes, dates and ids make more of them than prose, which has four. */
const OCTETS_A_TOKEN = 3;

/** About how many tokens a model reads for so many octets of records and of documents' text. */
export function tokensOf(text: number): number {
	return Math.round(text / OCTETS_A_TOKEN);
}
