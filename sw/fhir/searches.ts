/** One way to ask a type in pieces, where asking plainly is refused. */
export interface Fan {
	param: string;
	values: readonly string[];
	/** Values that a server need not know: being refused them alone leaves nothing incomplete. */
	optional?: readonly string[];
}

export interface Search {
	type: string;
	/** Asked only where the CapabilityStatement lists a parameter for the patient; the others are US Core's. */
	beyond?: true;
	/** In the order in which to try them. */
	fans?: readonly Fan[];
}

/** From before anybody's record to after every appointment: `date` for servers that want one, without a clock. */
const always = (param: string): Fan => ({ param, values: ['ge1900-01-01'] });

const loinc = (code: string) => `http://loinc.org|${code}`;
const v2_0074 = (code: string) => `http://terminology.hl7.org/CodeSystem/v2-0074|${code}`;

/**
 * Every search of a patient's record, in the order in which they are asked and shown.
 * US Core 6 to 8, "Quick Start" of each profile; the rest from the patient compartment of FHIR R4.
 */
export const searches: readonly Search[] = [
	{
		type: 'AllergyIntolerance',
		fans: [{ param: 'clinical-status', values: ['active', 'inactive', 'resolved'] }],
	},
	{
		type: 'Condition',
		fans: [
			{
				param: 'category',
				values: ['problem-list-item', 'encounter-diagnosis', 'health-concern'],
				optional: ['medical-history', 'reason-for-visit', 'sdoh'],
			},
			{
				param: 'clinical-status',
				values: ['active', 'inactive', 'resolved'],
				optional: ['recurrence', 'remission', 'relapse'],
			},
		],
	},
	{
		type: 'MedicationRequest',
		fans: [
			{
				param: 'intent',
				values: ['order', 'plan'],
				optional: ['proposal', 'original-order', 'reflex-order', 'filler-order', 'instance-order', 'option'],
			},
			{
				param: 'status',
				values: ['active', 'completed', 'stopped'],
				optional: ['on-hold', 'cancelled', 'draft', 'unknown'],
			},
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
			always('date'),
		],
	},
	{ type: 'Immunization', fans: [{ param: 'status', values: ['completed', 'not-done'] }, always('date')] },
	{ type: 'Procedure', fans: [always('date'), { param: 'status', values: ['completed'], optional: ['in-progress'] }] },
	{ type: 'Encounter', fans: [always('date'), { param: 'status', values: ['finished', 'in-progress', 'planned'] }] },
	{
		type: 'CarePlan',
		fans: [
			{ param: 'category', values: ['assess-plan'] },
			{ param: 'status', values: ['active', 'completed'], optional: ['draft', 'on-hold', 'revoked'] },
		],
	},
	{
		type: 'CareTeam',
		fans: [{ param: 'status', values: ['active'], optional: ['proposed', 'suspended', 'inactive'] }],
	},
	{
		type: 'Goal',
		fans: [
			{
				param: 'lifecycle-status',
				values: ['active', 'completed'],
				optional: ['proposed', 'planned', 'accepted', 'on-hold', 'cancelled', 'rejected'],
			},
		],
	},
	{
		type: 'ServiceRequest',
		fans: [
			{ param: 'category', values: ['108252007'], optional: ['363679005', '409063005', '409073007', '387713003'] },
			{ param: 'status', values: ['active', 'completed'], optional: ['draft', 'on-hold', 'revoked'] },
			always('authored'),
		],
	},
	{
		type: 'MedicationDispense',
		fans: [
			{ param: 'status', values: ['completed', 'in-progress'], optional: ['preparation', 'cancelled', 'on-hold'] },
		],
	},
	{ type: 'Coverage', fans: [{ param: 'status', values: ['active', 'cancelled'] }] },
	{ type: 'Device' },
	{ type: 'Specimen' },
	{ type: 'RelatedPerson' },
	{
		type: 'QuestionnaireResponse',
		fans: [{ param: 'status', values: ['completed'], optional: ['in-progress', 'amended'] }, always('authored')],
	},
	{ type: 'FamilyMemberHistory', beyond: true, fans: [{ param: 'status', values: ['completed', 'partial'] }] },
	{
		type: 'MedicationStatement',
		beyond: true,
		fans: [{ param: 'status', values: ['active', 'completed'], optional: ['intended', 'stopped', 'on-hold'] }],
	},
	{ type: 'MedicationAdministration', beyond: true, fans: [{ param: 'status', values: ['completed', 'in-progress'] }] },
	{ type: 'Appointment', beyond: true, fans: [always('date')] },
	{ type: 'Communication', beyond: true },
	{ type: 'NutritionOrder', beyond: true },
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
