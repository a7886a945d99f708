/** One way to ask a type in pieces, where asking plainly is refused. */
export interface Fan {
	param: string;
	values: readonly string[];
	/** Values that a server need not know: being refused them alone leaves nothing incomplete. */
	optional?: readonly string[];
	/**
	 * `values` and `optional` are every code of a required binding (FHIR R4, Terminologies). So they are worth one request
	 * more, as alternatives in one list, where another fan may have missed what has none of its values.
	 */
	exhaustive?: true;
}

export interface Search {
	type: string;
	/** Asked only where the CapabilityStatement lists a parameter for the patient; the others are US Core's. */
	beyond?: true;
	/** In the order in which to try them. */
	fans?: readonly Fan[];
	/** Asked besides, as an optional query, for what the plain search leaves out. */
	besides?: string;
}

/**
 * From before anybody's record to after every appointment: `date` for servers that want one, without a clock. What has no
 * date is not found by it.
 */
const always = (param: string): Fan => ({ param, values: ['ge1900-01-01'] });

/** `all`: every code of the required value set, the usual ones, which every server should know, before the bar. */
function codes(param: string, all: string): Fan {
	const [values = '', optional = ''] = all.split(' | ');
	return {
		param,
		values: values.split(' '),
		optional: `${optional} entered-in-error`.trim().split(' '),
		exhaustive: true,
	};
}

/** FHIR R4 RequestStatus (CarePlan, ServiceRequest). */
const request = codes('status', 'active completed | draft on-hold revoked unknown');

const loinc = (code: string) => `http://loinc.org|${code}`;
const v2_0074 = (code: string) => `http://terminology.hl7.org/CodeSystem/v2-0074|${code}`;

/**
 * Every search of a patient's record, in the order in which they are asked and shown.
 * US Core 6 to 8, "Quick Start" of each profile; the rest from the patient compartment of FHIR R4, and what DSTU2 and STU3
 * called otherwise. Statuses are FHIR R4's; where an element is optional (clinicalStatus, CareTeam.status), what lacks it
 * is found by category or not at all.
 *
 * Not asked, although offered: `_revinclude=Provenance:target` (a Provenance for each resource doubles a record and says
 * little that the resource does not), and `Patient/$everything` (one long answer, whose gaps no server reports).
 */
export const searches: readonly Search[] = [
	{
		type: 'AllergyIntolerance',
		// AllergyIntoleranceClinicalStatusCodes; absent where entered in error.
		fans: [{ param: 'clinical-status', values: ['active', 'inactive', 'resolved'], exhaustive: true }],
	},
	{
		type: 'Condition',
		fans: [
			{
				param: 'category',
				values: ['problem-list-item', 'encounter-diagnosis', 'health-concern'],
				optional: ['medical-history', 'reason-for-visit', 'sdoh'],
			},
			// ConditionClinicalStatusCodes; optional in R4, so that neither fan alone finds all.
			{
				param: 'clinical-status',
				values: ['active', 'inactive', 'resolved'],
				optional: ['recurrence', 'remission', 'relapse'],
				exhaustive: true,
			},
			always('recorded-date'),
		],
	},
	{
		type: 'MedicationRequest',
		fans: [
			{
				param: 'intent',
				values: ['order', 'plan'],
				optional: ['proposal', 'original-order', 'reflex-order', 'filler-order', 'instance-order', 'option'],
				exhaustive: true,
			},
			codes('status', 'active completed stopped | on-hold cancelled draft unknown'),
		],
	},
	{
		type: 'Observation',
		fans: [
			{
				param: 'category',
				values: ['laboratory', 'vital-signs', 'social-history'],
				optional: [
					'survey',
					'imaging',
					'procedure',
					'exam',
					'therapy',
					'activity',
					'sdoh',
					'functional-status',
					'disability-status',
					'cognitive-status',
					'treatment-intervention-preference',
					'care-experience-preference',
					'observation-adi-documentation',
				],
			},
			codes('status', 'final amended corrected preliminary | registered cancelled unknown'),
			always('date'),
		],
	},
	{
		type: 'DiagnosticReport',
		fans: [
			{
				param: 'category',
				values: [v2_0074('LAB')],
				// Radiology, cardiology, pathology: US Core's report and note categories; then others in common use.
				optional: [
					loinc('LP29684-5'),
					loinc('LP29708-2'),
					loinc('LP7839-6'),
					v2_0074('RAD'),
					v2_0074('MB'),
					v2_0074('CUS'),
				],
			},
			codes('status', 'final amended corrected preliminary | appended partial registered cancelled unknown'),
			always('date'),
		],
	},
	{
		type: 'DocumentReference',
		fans: [
			{
				param: 'category',
				values: ['clinical-note'],
				optional: ['summary-document', 'imaging', 'imaging-result', 'correspondence', 'document-information'],
			},
			codes('status', 'current | superseded'),
			always('date'),
		],
	},
	{ type: 'Immunization', fans: [codes('status', 'completed not-done'), always('date')] },
	{
		type: 'Procedure',
		fans: [always('date'), codes('status', 'completed | in-progress preparation not-done on-hold stopped unknown')],
	},
	{
		type: 'Encounter',
		fans: [always('date'), codes('status', 'finished in-progress planned | arrived triaged onleave cancelled unknown')],
	},
	// US Core 6 to 8 require patient and category together, and not patient alone. Categories are SNOMED CT codes of many
	// kinds: `system|` finds them all (FHIR R4, Search, token).
	{
		type: 'CarePlan',
		fans: [{ param: 'category', values: ['assess-plan'], optional: ['http://snomed.info/sct|'] }, request],
	},
	// Likewise patient and status. CareTeam.status is optional in R4.
	{ type: 'CareTeam', fans: [codes('status', 'active | proposed suspended inactive')] },
	{
		type: 'Goal',
		fans: [codes('lifecycle-status', 'active completed | proposed planned accepted on-hold cancelled rejected')],
	},
	{
		type: 'ServiceRequest',
		fans: [
			{ param: 'category', values: ['108252007'], optional: ['363679005', '409063005', '409073007', '387713003'] },
			request,
			always('authored'),
		],
	},
	{
		type: 'MedicationDispense',
		fans: [codes('status', 'completed in-progress | preparation cancelled on-hold stopped declined unknown')],
	},
	{ type: 'Coverage', fans: [codes('status', 'active cancelled | draft')] },
	{ type: 'Device' },
	{ type: 'Specimen' },
	{ type: 'RelatedPerson' },
	{
		type: 'QuestionnaireResponse',
		fans: [codes('status', 'completed | in-progress amended stopped'), always('authored')],
	},
	// US Core 8; older servers do not have it.
	{ type: 'FamilyMemberHistory', beyond: true, fans: [codes('status', 'completed partial | health-unknown')] },
	{
		type: 'MedicationStatement',
		beyond: true,
		fans: [codes('status', 'active completed | intended stopped on-hold unknown not-taken')],
	},
	// DSTU2's MedicationRequest.
	{ type: 'MedicationOrder', beyond: true, fans: [codes('status', 'active completed | stopped on-hold draft')] },
	{
		type: 'MedicationAdministration',
		beyond: true,
		fans: [codes('status', 'completed in-progress | not-done on-hold stopped unknown')],
	},
	{
		type: 'Appointment',
		beyond: true,
		fans: [
			always('date'),
			codes('status', 'booked fulfilled cancelled | proposed pending arrived noshow checked-in waitlist'),
		],
	},
	{ type: 'Communication', beyond: true },
	{ type: 'NutritionOrder', beyond: true },
	// ServiceRequest, before R4.
	{ type: 'ProcedureRequest', beyond: true },
	{ type: 'ReferralRequest', beyond: true },
	{ type: 'DiagnosticOrder', beyond: true },
	{ type: 'Media', beyond: true },
	{ type: 'ImagingStudy', beyond: true },
	{ type: 'ImmunizationRecommendation', beyond: true },
	{ type: 'ClinicalImpression', beyond: true },
	{ type: 'RiskAssessment', beyond: true },
	{ type: 'DeviceUseStatement', beyond: true },
	{ type: 'DeviceRequest', beyond: true },
	{ type: 'BodyStructure', beyond: true },
	{ type: 'AdverseEvent', beyond: true },
	{ type: 'DetectedIssue', beyond: true },
	{ type: 'VisionPrescription', beyond: true },
	{ type: 'EpisodeOfCare', beyond: true },
	{ type: 'Flag', beyond: true },
	{ type: 'List', beyond: true },
	{ type: 'Consent', beyond: true },
	{ type: 'ExplanationOfBenefit', beyond: true },
	{ type: 'Claim', beyond: true },
	{ type: 'Provenance', beyond: true },
];

/** How DSTU2 (1.0) differs: other codes, and what a resource of another type holds today. */
const dstu2: Readonly<Record<string, Omit<Search, 'type'>>> = {
	AllergyIntolerance: {
		fans: [codes('status', 'active confirmed | unconfirmed inactive resolved refuted')],
	},
	Condition: {
		// Argonaut's categories, then HL7's.
		fans: [
			{
				param: 'category',
				values: ['problem', 'diagnosis'],
				optional: ['health-concern', 'complaint', 'symptom', 'finding'],
			},
			{ param: 'clinicalstatus', values: ['active', 'resolved'], optional: ['relapse', 'remission'], exhaustive: true },
		],
	},
	CarePlan: {
		fans: [{ param: 'category', values: ['assess-plan'] }],
		// Oracle Health: "A CareTeam will be returned only if a CareTeam specific category code is supplied."
		besides: 'category=careteam,longitudinal,encounter',
	},
	Goal: {
		fans: [
			{
				param: 'status',
				values: ['in-progress', 'achieved'],
				optional: ['proposed', 'planned', 'accepted', 'rejected', 'sustaining', 'on-hold', 'cancelled'],
				exhaustive: true,
			},
		],
	},
	Immunization: { fans: [codes('status', 'completed | in-progress on-hold stopped'), always('date')] },
	Encounter: {
		fans: [
			always('date'),
			{
				param: 'status',
				values: ['finished', 'in-progress', 'planned'],
				optional: ['arrived', 'onleave', 'cancelled'],
				exhaustive: true,
			},
		],
	},
};

/** @param fhirVersion as a server tells it; null, and whatever is not known, is taken for R4 */
export function searchesOf(fhirVersion: string | null): readonly Search[] {
	if (!isDstu2(fhirVersion)) return searches;
	return searches.map((search) => ({ ...search, ...dstu2[search.type] }));
}

export function isDstu2(fhirVersion: string | null): boolean {
	return fhirVersion !== null && /^(?:0\.[45]|1\.)/.test(fhirVersion);
}

/** Search parameters that hold the patient, best first. */
export const patientParams = ['patient', 'subject', 'beneficiary'] as const;

/** Referenced types that a patient search does not reach, or not everywhere, in the order in which they are read. */
export const referencedTypes: readonly string[] = [
	'PractitionerRole',
	'Practitioner',
	'Organization',
	'Location',
	'Medication',
	'RelatedPerson',
	'Device',
	'Specimen',
	'Media',
];
