/**
 * The health systems of the sandbox, as data. Each shows one published behaviour of a vendor; the servers read these
 * fields and never ask which system they are.
 */

/** How refreshing behaves: `none` issues no refresh token at all. */
export type RefreshPolicy =
	/** The end is fixed when the patient consents; refreshing rotates the token and leaves the end where it is. */
	| 'rolling'
	/** Each refresh rotates the token and moves the end by the chosen duration. */
	| 'renewing'
	/** The refresh token stays the same and is not repeated in the response. */
	| 'static'
	| 'none';

export interface Duration {
	/** Seconds; 0 is "no end". */
	seconds: number;
	label: string;
}

export interface AuthProfile {
	/** Lifetime of an access token, in seconds. */
	accessSeconds: number;
	refresh: RefreshPolicy;
	/** Where a client learns when the refresh token ends. */
	tellsEnd: 'introspection' | 'refresh_expires_in' | 'nothing';
	scopes: ('v1' | 'v2')[];
	/** Whether `patient/*.…` is offered. */
	wildcard: boolean;
	durations: Duration[];
	/** A refresh without `scope` is refused. */
	refreshNeedsScope: boolean;
	cors: boolean;
}

export interface FhirProfile {
	cors: boolean;
	pageSize: number;
	maxPageSize: number;
	/** `page`: the entries of this page; `inflated`: more than will ever come. */
	total: 'exact' | 'page' | 'inflated' | 'none';
	/** What a `next` link looks like: query parameters, one opaque `sessionID`, or a cursor. */
	next: 'offset' | 'session' | 'cursor';
	/** The path segment that `next` links use in place of `fhir`. */
	nextSegment: string;
	/** Searchsets carry an OperationOutcome entry. */
	outcomeEntry: boolean;
	/** Searches of a type need one of these parameters. */
	requires: Record<string, { anyOf: string[]; status: 400 | 404 }>;
	/** Types in the CapabilityStatement that answer 403 with an empty body. */
	refuses: string[];
	/** Types that this server does not have. */
	lacks: string[];
	/** What an unsupported type gets. */
	unsupported: 'html' | 'outcome';
	/** Sends `RateLimit-*` headers. */
	rateLimits: boolean;
	/** HTML documents come inside the DocumentReference, not as a Binary. */
	inlineHtml: boolean;
}

export interface SystemProfile {
	id: string;
	name: string;
	location: string;
	aliases: string[];
	/** Key of the wallet's vendor table. */
	vendor?: string;
	/** The scopes a client has to ask for, where the usual ones do not do. */
	scope?: string;
	auth: AuthProfile;
	fhir: FhirProfile;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

const durations: Duration[] = [
	{ seconds: HOUR, label: '1 hour' },
	{ seconds: DAY, label: '1 day' },
	{ seconds: 30 * DAY, label: '30 days' },
	{ seconds: 90 * DAY, label: '90 days' },
	{ seconds: 365 * DAY, label: '1 year' },
];

const auth: AuthProfile = {
	accessSeconds: HOUR,
	refresh: 'rolling',
	tellsEnd: 'nothing',
	scopes: ['v1', 'v2'],
	wildcard: true,
	durations,
	refreshNeedsScope: false,
	cors: true,
};

const fhir: FhirProfile = {
	cors: true,
	pageSize: 100,
	maxPageSize: 500,
	total: 'exact',
	next: 'offset',
	nextSegment: 'fhir',
	outcomeEntry: false,
	requires: {},
	refuses: [],
	lacks: [],
	unsupported: 'outcome',
	rateLimits: false,
	inlineHtml: false,
};

const perResource = [
	'AllergyIntolerance',
	'Appointment',
	'Binary',
	'CarePlan',
	'CareTeam',
	'Condition',
	'Coverage',
	'Device',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'Goal',
	'Immunization',
	'Location',
	'Medication',
	'MedicationRequest',
	'Observation',
	'Organization',
	'Patient',
	'Practitioner',
	'PractitionerRole',
	'Procedure',
	'Provenance',
];
const v1Scope = `launch/patient openid fhirUser offline_access ${perResource.map((type) => `patient/${type}.read`).join(' ')}`;

export const systems: SystemProfile[] = [
	{
		id: 'lakeside',
		name: 'Lakeside Health',
		location: 'Madison, WI',
		aliases: ['Lakeside Clinic', 'Lakeside University Hospital'],
		vendor: 'epic',
		auth: { ...auth, tellsEnd: 'introspection' },
		fhir: {
			...fhir,
			total: 'page',
			next: 'session',
			outcomeEntry: true,
			requires: {
				Observation: { anyOf: ['category', 'code', '_id'], status: 400 },
				CarePlan: { anyOf: ['category', '_id'], status: 400 },
			},
			refuses: ['Coverage', 'Provenance'],
			lacks: ['Appointment', 'Claim', 'ExplanationOfBenefit', 'ImagingStudy'],
			unsupported: 'html',
		},
	},
	{
		id: 'harbor',
		name: 'Harbor Medical Group',
		location: 'Portland, ME',
		aliases: ['Harbor Medical', 'Harbor Family Practice'],
		auth: {
			...auth,
			refresh: 'renewing',
			tellsEnd: 'refresh_expires_in',
			scopes: ['v2'],
			durations: [...durations, { seconds: 0, label: 'Until I take it back' }],
		},
		fhir: { ...fhir },
	},
	{
		id: 'summit',
		name: 'Summit Regional',
		location: 'Boulder, CO',
		aliases: ['Summit Regional Medical Center'],
		vendor: 'oracle',
		scope: v1Scope,
		auth: { ...auth, accessSeconds: 570, refresh: 'static', scopes: ['v1'], wildcard: false },
		fhir: {
			...fhir,
			total: 'none',
			requires: {
				Observation: { anyOf: ['category', 'code', '_id'], status: 400 },
				Appointment: { anyOf: ['date', '_id'], status: 400 },
			},
			lacks: ['Claim', 'ExplanationOfBenefit', 'ImagingStudy'],
		},
	},
	{
		id: 'clinic',
		name: 'Riverbend Community Clinic',
		location: 'Riverbend, OR',
		aliases: ['Riverbend Clinic'],
		auth: { ...auth, refresh: 'none' },
		fhir: { ...fhir, pageSize: 50 },
	},
	{
		id: 'walled',
		name: 'Walled Garden Hospital',
		location: 'Springfield, IL',
		aliases: ['Garden Hospital'],
		auth: { ...auth, cors: false },
		fhir: { ...fhir, cors: false },
	},
	{
		id: 'meridian',
		name: 'Meridian Physicians',
		location: 'Austin, TX',
		aliases: ['Meridian Primary Care'],
		vendor: 'athenahealth',
		scope: v1Scope,
		auth: { ...auth, scopes: ['v1'], wildcard: false, refreshNeedsScope: true },
		fhir: {
			...fhir,
			pageSize: 30,
			maxPageSize: 100,
			total: 'none',
			next: 'cursor',
			requires: { MedicationRequest: { anyOf: ['intent', '_id'], status: 400 } },
			rateLimits: true,
			inlineHtml: true,
		},
	},
	{
		id: 'northgate',
		name: 'Northgate Specialty Care',
		location: 'Minot, ND',
		aliases: ['Northgate'],
		vendor: 'nextgen',
		auth: { ...auth, scopes: ['v1'] },
		fhir: {
			...fhir,
			pageSize: 25,
			maxPageSize: 25,
			total: 'inflated',
			nextSegment: 'FHIR',
			requires: {
				Observation: { anyOf: ['category', 'code', '_id'], status: 400 },
				CarePlan: { anyOf: ['category', '_id'], status: 404 },
			},
			unsupported: 'html',
		},
	},
];
