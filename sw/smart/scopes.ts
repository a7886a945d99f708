/** Which scopes to ask for (SMART App Launch 2.2, "Scopes and Launch Context"). */
import type { SmartConfiguration } from './discover.js';

/**
 * The resource types the wallet reads: US Core's and the ones a summary needs. Only asked for one by one where a server
 * offers no wildcard.
 */
const TYPES = [
	'AllergyIntolerance',
	'Appointment',
	'Binary',
	'CarePlan',
	'CareTeam',
	'Communication',
	'Condition',
	'Coverage',
	'Device',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'ExplanationOfBenefit',
	'FamilyMemberHistory',
	'Goal',
	'Immunization',
	'Location',
	'Media',
	'Medication',
	'MedicationDispense',
	'MedicationRequest',
	'MedicationStatement',
	'NutritionOrder',
	'Observation',
	'Organization',
	'Patient',
	'Practitioner',
	'PractitionerRole',
	'Procedure',
	'Provenance',
	'QuestionnaireResponse',
	'RelatedPerson',
	'ServiceRequest',
	'Specimen',
];

/**
 * Space-separated scopes: identity and launch context, offline access, and reading, in version 2 where it is offered and
 * by wildcard where there is one. A list of supported scopes that is missing says nothing, so the wildcard is tried.
 */
export function chooseScopes(config: Pick<SmartConfiguration, 'scopesSupported' | 'capabilities'>): string {
	const supported = new Set(config.scopesSupported);
	const offersReading = config.scopesSupported.some((scope) => scope.startsWith('patient/'));
	const v2 = offersReading
		? config.scopesSupported.some((scope) => /^patient\/.+\.c?ru?d?s/.test(scope))
		: config.capabilities.includes('permission-v2') || !config.capabilities.includes('permission-v1');
	const suffix = v2 ? 'rs' : 'read';
	const wildcards = v2 ? ['patient/*.rs', 'patient/*.cruds'] : ['patient/*.read', 'patient/*.*'];
	const wildcard = offersReading ? wildcards.some((scope) => supported.has(scope)) : true;
	const reading = wildcard
		? [`patient/*.${suffix}`]
		: TYPES.filter((type) => supported.has(`patient/${type}.${suffix}`)).map((type) => `patient/${type}.${suffix}`);
	const offline =
		supported.has('online_access') && !supported.has('offline_access') ? 'online_access' : 'offline_access';
	return ['launch/patient', 'openid', 'fhirUser', offline, ...reading].join(' ');
}
