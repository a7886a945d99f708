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
	'Claim',
	'Communication',
	'Condition',
	'Consent',
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
	'MedicationAdministration',
	'MedicationDispense',
	'MedicationOrder',
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
 * Space-separated scopes: identity and launch context, offline access, and reading. A list of supported scopes that is
 * missing says nothing, so the wildcard is tried.
 */
export function chooseScopes(config: Pick<SmartConfiguration, 'scopesSupported' | 'capabilities'>): string {
	const supported = new Set(config.scopesSupported);
	const offline =
		supported.has('online_access') && !supported.has('offline_access') ? 'online_access' : 'offline_access';
	return ['launch/patient', 'openid', 'fhirUser', offline, ...reading(supported, config.capabilities)].join(' ');
}

/**
 * By wildcard where there is one, in version 2 before version 1; else type by type in the version that covers more of
 * them: servers offer version 2 of some types as `.r` (which is asked for), `.s` or `.crus` alone, and a type left out is
 * never read.
 */
function reading(supported: ReadonlySet<string>, capabilities: string[]): string[] {
	if (![...supported].some((scope) => scope.startsWith('patient/'))) {
		const v1 = capabilities.includes('permission-v1') && !capabilities.includes('permission-v2');
		return [v1 ? 'patient/*.read' : 'patient/*.rs'];
	}
	if (supported.has('patient/*.rs') || supported.has('patient/*.cruds')) return ['patient/*.rs'];
	if (supported.has('patient/*.read')) return ['patient/*.read'];
	const each = (...suffixes: string[]) =>
		TYPES.flatMap((type) => suffixes.map((s) => `patient/${type}.${s}`).find((s) => supported.has(s)) ?? []);
	const [v2, v1] = [each('rs', 'r'), each('read')];
	if (v2.length || v1.length) return v2.length >= v1.length ? v2 : v1;
	// `patient/*.*` beside single types is offered by servers that refuse it; alone it is all there is.
	return [supported.has('patient/*.*') ? 'patient/*.read' : 'patient/*.rs'];
}
