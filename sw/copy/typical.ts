/**
 * What is typical of a FHIR record, where nothing better is known.
 *
 * Octets of a resource as JSON: means over the ten Synthea records of smart-on-fhir/generated-sample-data (4,252 resources) where they
 * have the type, else over the examples of US Core; a document: the mean of five of HL7/C-CDA-Examples, as a Binary.
 */
const OCTETS: Readonly<Record<string, number>> = {
	Binary: 215_000,
	CarePlan: 1350,
	Claim: 1350,
	Condition: 800,
	DiagnosticReport: 1500,
	DocumentReference: 1500,
	Encounter: 800,
	ExplanationOfBenefit: 4600,
	Goal: 500,
	ImagingStudy: 1050,
	Immunization: 600,
	MedicationRequest: 800,
	Observation: 830,
	Patient: 3300,
	Procedure: 650,
};
const OTHERS = 800;

export function typicalOctets(type: string): number {
	return Object.hasOwn(OCTETS, type) ? (OCTETS[type] ?? OTHERS) : OTHERS;
}

/** Characters of text in an octet of a document's base64, by the beginning of its media type. */
const TEXT: readonly [type: string, share: number][] = [
	['text/plain', 0.75],
	['text/html', 0.35],
	['text/rtf', 0.35],
	['application/rtf', 0.35],
	['text/xml', 0.02],
	// C-CDA, measured with HL7/C-CDA-Examples: 1.4 to 2.2 % of the base64 is narrative without markup.
	['application/xml', 0.02],
	['application/pdf', 0.04],
	['image/', 0],
];
const OTHER_TEXT = 0.05;
const utf8 = new TextDecoder();
/** Where a Binary's media type stands, in lines that this worker made and in most others. */
const HEAD = 600;

/** Octets of one line that a model reads: of a document only its text. */
export function textOf(type: string, line: Uint8Array): number {
	if (type !== 'Binary') return line.length;
	const media = /"contentType"\s*:\s*"([^"]+)"/.exec(utf8.decode(line.subarray(0, HEAD)))?.[1] ?? '';
	return Math.round(line.length * (TEXT.find(([start]) => media.startsWith(start))?.[1] ?? OTHER_TEXT));
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
