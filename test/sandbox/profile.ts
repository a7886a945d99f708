/** What a health system of the sandbox can be like. The servers read these fields and never ask which system they are. */
import type { FhirVersion } from './fhir/params.js';

/** How refreshing behaves: `none` issues no refresh token at all. */
export type RefreshPolicy =
	/** The end is fixed when the patient consents; refreshing rotates the token and leaves the end where it is. */
	| 'rolling'
	/** Each refresh rotates the token and moves the end by the chosen duration. */
	| 'renewing'
	/** The refresh token stays the same and is not repeated in the response. */
	| 'static'
	| 'none';

export type TellsEnd =
	| 'introspection'
	/** Seconds in the token response. */
	| 'refresh_expires_in'
	/** A date in the token response, as Blue Button has it. */
	| 'access_grant_expiration'
	/** The refresh token is a JWT with `exp`. */
	| 'jwt'
	| 'nothing';

/** How a client proves at the token endpoint who it is. */
export type ClientProfile =
	| { method: 'none' }
	/** `private_key_jwt`, with a key that everybody may know. */
	| { method: 'embedded-key'; alg: 'RS384' | 'ES384' }
	/** `private_key_jwt`, with the keys that the client's own host publishes. */
	| { method: 'relay-signed'; alg: 'RS384' | 'ES384' }
	/** A public client that may register a key of its own, once, with the access token of a sign-in. */
	| { method: 'device-key' };

export interface Duration {
	/** Seconds; 0 is "no end". */
	seconds: number;
	label: string;
}

export interface AuthProfile {
	/** Lifetime of an access token, in seconds. */
	accessSeconds: number;
	refresh: RefreshPolicy;
	/** Seconds for which a rotated refresh token still works: whoever lost an answer may ask again. */
	graceSeconds: number;
	/** What a rotated refresh token does after its grace: it is `refuse`d alone, or the whole grant dies with it. */
	onReuse: 'refuse' | 'revoke-family';
	/** Where a client learns when the refresh token ends. */
	tellsEnd: TellsEnd;
	client: ClientProfile;
	revocation: 'offered' | 'absent' | 'fails';
	/** More refreshes of one grant within a minute get 429; null never does. */
	refreshesPerMinute: number | null;
	scopes: ('v1' | 'v2')[];
	/** Whether `patient/*.…` is offered. */
	wildcard: boolean;
	durations: Duration[];
	/** A refresh without `scope` is refused. */
	refreshNeedsScope: boolean;
	cors: boolean;
	/** Where a client learns of the endpoints: the well-known document and `/metadata`, or the latter alone. */
	discovery: 'well-known' | 'metadata';
}

export interface FhirProfile {
	/** 1.0.2 is DSTU2: records have its shapes, `/metadata` is a Conformance. */
	version: FhirVersion;
	/** The media type of FHIR JSON that it speaks; a request that accepts another one alone gets 406. */
	json: 'application/fhir+json' | 'application/json+fhir';
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
	/** Types of which it holds nothing, and the total that a search of them claims nonetheless. */
	empty: Record<string, number>;
	/** Categories, by type, whose resources are found only where a search names a category. */
	onlyByCategory: Record<string, string>;
	/** What an unsupported type gets. */
	unsupported: 'html' | 'outcome';
	/** Searching by `_lastUpdated`: it works; it is passed over in silence (all is found, and `self` leaves it out); 400. */
	lastUpdated: 'works' | 'ignored' | 'refused';
	/** Types whose searches by `_lastUpdated` need a beginning and an end; else 400. */
	closedRanges: string[];
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
	/** What its clock is ahead of the world's, in seconds; negative where it is behind. */
	clockSkewSeconds: number;
	/** Response headers that scripts may read, besides the few that CORS always shows. */
	exposes: string[];
	/** Errors arrive as 500, but for a missing or dead access token. */
	errorsAs500: boolean;
	auth: AuthProfile;
	fhir: FhirProfile;
}

export const HOUR = 3600;
export const DAY = 24 * HOUR;

export const durations: Duration[] = [
	{ seconds: HOUR, label: '1 hour' },
	{ seconds: DAY, label: '1 day' },
	{ seconds: 30 * DAY, label: '30 days' },
	{ seconds: 90 * DAY, label: '90 days' },
	{ seconds: 365 * DAY, label: '1 year' },
];

/** What most do. */
export const auth: AuthProfile = {
	accessSeconds: HOUR,
	refresh: 'rolling',
	graceSeconds: 0,
	onReuse: 'revoke-family',
	tellsEnd: 'nothing',
	client: { method: 'none' },
	revocation: 'offered',
	refreshesPerMinute: null,
	scopes: ['v1', 'v2'],
	wildcard: true,
	durations,
	refreshNeedsScope: false,
	cors: true,
	discovery: 'well-known',
};

export const fhir: FhirProfile = {
	version: '4.0.1',
	json: 'application/fhir+json',
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
	empty: {},
	onlyByCategory: {},
	unsupported: 'outcome',
	lastUpdated: 'works',
	closedRanges: [],
	rateLimits: false,
	inlineHtml: false,
};

export const common = { clockSkewSeconds: 0, exposes: [] as string[], errorsAs500: false };

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
/** Where there is neither a wildcard nor the second syntax of scopes. */
export const v1Scope = `launch/patient openid fhirUser offline_access ${perResource.map((type) => `patient/${type}.read`).join(' ')}`;
