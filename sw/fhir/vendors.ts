import { isDstu2 } from './searches.js';

/**
 * What is known of a vendor's FHIR server beyond its CapabilityStatement. Data, from public documentation; where an entry
 * has no source of its own, somebody's notes from a live server.
 */
export interface VendorFhir {
	/** `Accept` for FHIR JSON; that of the FHIR version where absent. */
	accept?: string;
	/** `_count` of searches; `DEFAULT_COUNT` where absent. */
	count?: number;
	/** Types whose plain search is known to be refused, and the parameter to ask by from the start. */
	required?: Readonly<Record<string, string>>;
	/** Further values to ask by, as `Type.parameter`. */
	values?: Readonly<Record<string, readonly string[]>>;
	/** Types whose searches by `_lastUpdated` need a beginning and an end. */
	closedRanges?: readonly string[];
	/** A scope that lets a type be read by id alone lets it be searched too. */
	readSearches?: true;
	/** A parameter that names the practice, made of the patient's id: the regular expression `from`, replaced by `to`. */
	tenant?: Readonly<{ param: string; from: string; to: string }>;
}

/**
 * Where nothing is published of a vendor's pages. A server may give fewer, and should not mind being asked for more (FHIR
 * R4, Search, "Page Count"), but some platforms name 100 as the most and refuse what is above.
 */
export const DEFAULT_COUNT = 100;
export const FHIR_JSON = 'application/fhir+json';
/** Until STU3. */
const DSTU2_JSON = 'application/json+fhir';
/** Before the version is known: `/metadata` and the card's Patient. */
export const ANY_FHIR_JSON = `${FHIR_JSON}, ${DSTU2_JSON};q=0.9, application/json;q=0.8`;

const vendors: Readonly<Record<string, VendorFhir>> = {
	epic: {
		// "This is a required search parameter" (CarePlan.category); "Must have either code or category" (Observation).
		required: { Observation: 'category', CarePlan: 'category' },
		values: {
			'Observation.category': [
				// The CapabilityStatement's documentation of the parameter. Its SNOMED CT codes are kinds of laboratory results.
				'core-characteristics',
				'LDA',
				'LDA-property',
				'LDA-assessment',
				'functional-mental-status',
				'periodontal',
				'labor-delivery',
				'newborn-delivery',
				'obstetrics-gynecology',
				// Not in it; by the names of Epic's APIs.
				'smartdata',
				'genomics',
			],
			// "Use 38717003 for longitudinal, 734163000 for encounter, 736271009 for outpatient, 736353004 for inpatient,
			// 738906000 for dental, 736378000 for oncology": what a search without a category is told. Then patient education.
			'CarePlan.category': ['38717003', '734163000', '736271009', '736353004', '738906000', '736378000', '409073007'],
		},
	},
	oracle: {
		// fhir.cerner.com, R4 Observation: "Maximum supported count = 200".
		count: 200,
		// The CapabilityStatement: date "must be set when using patient". Observation is asked plainly: its documentation has
		// no required category, and a plain search finds what has another.
		required: { Appointment: 'date' },
		// Ibid., `_lastUpdated`: "The date and prefix pairs must create a closed range." Others say nothing, or take no range.
		closedRanges: [
			'AllergyIntolerance',
			'Condition',
			'DiagnosticReport',
			'DocumentReference',
			'Encounter',
			'Observation',
			'Procedure',
		],
	},
	veradigm: {},
	athenahealth: {
		required: { MedicationRequest: 'intent' },
		// fhir.athena.io, ah-practice: "Organization.id defined by a-1.Practice-{PID}"; patients are a-{PID}.E-{number}.
		tenant: { param: 'ah-practice', from: '^a-(\\d+)\\.E-.*$', to: 'Organization/a-1.Practice-$1' },
	},
	eclinicalworks: {
		// 400 where there is the patient alone.
		required: { Observation: 'category', CarePlan: 'category', CareTeam: 'status' },
		// Its smart-configuration offers Coverage, ServiceRequest, Specimen and others as `.r` and in no other way, and its
		// CapabilityStatement the searches.
		readSearches: true,
	},
	// Serves 25 a page whatever is asked.
	nextgen: { count: 25, required: { CarePlan: 'category', Observation: 'category' } },
	drchrono: { accept: DSTU2_JSON },
	meditech: {},
	practicefusion: {},
	greenway: {},
	// "The maximum number of EOB records returned … in one API call is 50."
	bluebutton: { count: 50 },
};

/** @param key a vendor key of the provider directory; an unknown one or null has no peculiarities. */
export function vendorFhir(key: string | null): VendorFhir {
	return (key !== null && Object.hasOwn(vendors, key) && vendors[key]) || {};
}

/** @param fhirVersion null where it is not known, which is taken for R4 */
export function acceptOf(vendor: VendorFhir, fhirVersion: string | null): string {
	return vendor.accept ?? (isDstu2(fhirVersion) ? DSTU2_JSON : FHIR_JSON);
}

export const vendorKeys: readonly string[] = Object.keys(vendors);
