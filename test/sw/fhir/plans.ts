/**
 * The servers whose plans are kept in `plans/`, and why each plan looks as it does. A server's CapabilityStatement and
 * smart-configuration are files of `../shared/data/vendors`, as served; `published` stands for a statement that is not
 * there: search parameters by type, from the vendor's documentation.
 */
export interface KnownServer {
	name: string;
	vendor: string | null;
	why: string;
	statement?: string;
	published?: { fhirVersion: string; resources: Record<string, string> };
	/** Of what is granted: scopes offered, as `chooseScopes` reads them, … */
	configuration?: string;
	/** … or what the vendor documents. */
	scope?: string;
}

const perResource = (types: string) =>
	`launch/patient openid fhirUser offline_access ${types
		.split(' ')
		.map((type) => `patient/${type}.read`)
		.join(' ')}`;

const usCore =
	'AllergyIntolerance Binary CarePlan CareTeam Condition Device DiagnosticReport DocumentReference Encounter Goal ' +
	'Immunization Location Medication MedicationRequest Observation Organization Patient Practitioner Procedure Provenance';

export const servers: KnownServer[] = [
	{
		name: 'epic',
		vendor: 'epic',
		statement: 'epic-capabilitystatement.json',
		configuration: 'epic-smart-configuration.json',
		why: 'Epic refuses Observation and CarePlan without a category, so these two go in pieces from the start, by every category that its statement or its own refusal names; all else is asked plainly. What is in none of the categories is asked for by status in one request, which Epic may refuse: then such a resource cannot be found. Specimen is not searchable by patient and comes as a reference. Epic lists no scopes of resources, so the wildcard is asked for, and what it grants follows from the app’s registration.',
	},
	{
		name: 'oracle',
		vendor: 'oracle',
		statement: 'oracle-cerner-capabilitystatement.json',
		configuration: 'oracle-cerner-smart-configuration-patient.json',
		why: 'Oracle Health offers no status for most types, so a refused search can only be asked by category or date; Appointment needs a date from the start. Observation is asked plainly, as documented, and by category only where that is refused. Scopes are granted type by type, with no wildcard, and to a patient none for practitioners, organizations and locations: they stay names in what refers to them.',
	},
	{
		name: 'eclinicalworks',
		vendor: 'eclinicalworks',
		statement: 'eclinicalworks-healow-capabilitystatement.json',
		configuration: 'eclinicalworks-healow-smart-configuration.json',
		why: 'healow answers 400 to Observation, CarePlan and CareTeam by patient alone, so they go by category and status from the start; CarePlan has no status to find the rest by. Goal, Coverage and the like have only the patient. RelatedPerson cannot be searched by patient and comes as a reference. Seven types, Binary among them, are offered as `.r` alone, which lets them be searched as well.',
	},
	{
		name: 'nextgen',
		vendor: 'nextgen',
		statement: 'nextgen-enterprise-capabilitystatement.json',
		configuration: 'nextgen-enterprise-smart-configuration.json',
		why: 'NextGen answers 404 to CarePlan and 400 to Observation without a category; both have a status to ask for the rest by. AllergyIntolerance, Coverage and others have no second way, so a refusal there is final. Pages have 25 entries whatever is asked.',
	},
	{
		name: 'veradigm',
		vendor: 'veradigm',
		statement: 'veradigm-allscripts-capabilitystatement.json',
		configuration: 'veradigm-allscripts-smart-configuration.json',
		why: 'Veradigm lists the parameters of US Core for nearly every type, so all is asked plainly and has ways to go on where it is refused. The wildcard is granted.',
	},
	{
		name: 'meditech',
		vendor: 'meditech',
		statement: 'meditech-greenfield-capabilitystatement.json',
		configuration: 'meditech-greenfield-smart-configuration.json',
		why: 'MEDITECH is asked plainly throughout: the searches give each kind its own report, which its Patient/$everything does not. Specimen and Provenance cannot be searched by patient.',
	},
	{
		name: 'athenahealth',
		vendor: 'athenahealth',
		published: {
			fhirVersion: '4.0.1',
			// The search parameters of its /metadata, as published in 2026.
			resources: {
				AllergyIntolerance: 'patient _lastUpdated code ah-practice',
				Binary: '',
				CarePlan: 'patient category _lastUpdated _id ah-practice',
				CareTeam: 'patient status _lastUpdated _id ah-practice',
				Condition: '_id patient encounter ah-practice _lastUpdated code category',
				Coverage: 'patient _lastUpdated ah-practice',
				Device: 'patient _id ah-practice _lastUpdated',
				DiagnosticReport: '_id encounter patient category code date _lastUpdated ah-practice',
				DocumentReference: '_id patient category type date encounter _lastUpdated ah-practice',
				Encounter: '_id patient date ah-practice _lastUpdated',
				FamilyMemberHistory: '_id _lastUpdated ah-practice code patient relationship status',
				Goal: 'patient _id _lastUpdated ah-practice',
				Immunization: 'encounter patient date status _id ah-practice _lastUpdated vaccine-code',
				Location: '_id ah-practice',
				Medication: '_id ah-practice',
				MedicationDispense: '_id _lastUpdated ah-practice date patient status',
				MedicationRequest: 'patient intent status _id authoredon subject encounter ah-practice _lastUpdated',
				Observation: '_id patient date category code encounter ah-practice _lastUpdated',
				Organization: '_id ah-practice',
				Patient: '_id identifier name birthdate gender ah-practice _lastUpdated',
				Practitioner: '_id identifier ah-practice',
				Procedure: 'patient date encounter _id _lastUpdated ah-practice',
				Provenance: 'target ah-practice',
				QuestionnaireResponse: '_id _lastUpdated ah-practice authored encounter patient status',
				RelatedPerson: 'patient _lastUpdated active name _id',
				ServiceRequest: '_id encounter patient status authored _lastUpdated ah-practice code category',
				Specimen: '_id _lastUpdated patient',
			},
		},
		scope: perResource(`${usCore} Coverage FamilyMemberHistory MedicationDispense ServiceRequest Specimen`),
		why: 'athenahealth needs an intent for MedicationRequest, whose eight codes are all there are, so nothing is left to look for; every practice is behind one base, and the practice in the patient’s id is named where the type takes it. Scopes are granted type by type.',
	},
	{
		name: 'drchrono',
		vendor: 'drchrono',
		scope: 'openid offline_access fhirUser launch/patient patient/*.read patient/Binary.read',
		why: 'DrChrono’s statement is not known here, so US Core’s searches are assumed and each reports for itself. It wants `application/json+fhir`; Binary has a scope of its own beside the wildcard.',
	},
	{
		name: 'practicefusion',
		vendor: 'practicefusion',
		scope: perResource(usCore),
		why: 'Practice Fusion’s statement is not known here, so US Core’s searches are assumed, less the types that it grants no scope for.',
	},
	{
		name: 'greenway',
		vendor: 'greenway',
		scope: 'launch/patient openid fhirUser online_access patient/*.read',
		why: 'Greenway’s statement is not known here, so US Core’s searches are assumed and each reports for itself.',
	},
	{
		name: 'bluebutton',
		vendor: 'bluebutton',
		published: {
			fhirVersion: '4.0.1',
			resources: {
				Coverage: 'beneficiary _id _lastUpdated',
				ExplanationOfBenefit: 'patient _id type _lastUpdated service-date',
				Patient: '_id identifier _lastUpdated',
			},
		},
		scope: 'launch/patient openid patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs',
		why: 'Blue Button has claims and coverage and nothing clinical, so that is all that is asked; coverage is searched by its beneficiary.',
	},
	{
		name: 'oracle-dstu2',
		vendor: 'oracle',
		published: {
			fhirVersion: '1.0.2',
			// fhir.cerner.com, DSTU 2.
			resources: {
				AllergyIntolerance: '_id patient status',
				Appointment: '_id patient practitioner location date status',
				Binary: '',
				CarePlan: '_id patient subject date category context _count',
				Condition: '_id patient category clinicalstatus',
				Device: '_id patient',
				DiagnosticReport: '_id patient subject date _count',
				DocumentReference: '_id patient subject created encounter type _count',
				Encounter: '_id patient subject status _count',
				Goal: '_id patient date _count',
				Immunization: '_id patient _lastUpdated',
				MedicationAdministration: '_id patient status',
				MedicationOrder: '_id patient status _lastUpdated _count',
				MedicationStatement: '_id patient status _lastUpdated _count',
				Observation: '_id patient subject code date category _lastUpdated _count',
				Patient: '_id identifier name given family birthdate',
				Practitioner: '_id name given family identifier',
				Procedure: '_id patient subject date _lastUpdated',
				ProcedureRequest: '_id patient',
				RelatedPerson: '_id patient',
			},
		},
		scope: perResource(
			'AllergyIntolerance Appointment Binary CarePlan Condition Device DiagnosticReport DocumentReference Encounter Goal ' +
				'Immunization MedicationAdministration MedicationOrder MedicationStatement Observation Patient Practitioner ' +
				'Procedure RelatedPerson',
		),
		why: 'A DSTU2 server has MedicationOrder and ProcedureRequest where R4 has MedicationRequest and ServiceRequest, and other categories and statuses. Its care teams are CarePlans that come only where their category is named, so they are asked for besides. References to Location and Organization cannot be followed there.',
	},
	{
		name: 'unknown',
		vendor: null,
		why: 'Where no statement can be read, R4 and US Core’s required searches are assumed, plainly first, with every way to go on; types beyond US Core are not tried.',
	},
];
