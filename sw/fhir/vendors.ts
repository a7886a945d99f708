/** What is known of a vendor's FHIR server beyond its CapabilityStatement. Data, from public documentation. */
export interface VendorFhir {
	/** `Accept` for FHIR JSON; `application/fhir+json` where absent. */
	accept?: string;
	/** `_count` of searches; `DEFAULT_COUNT` where absent. */
	count?: number;
	/** Types whose plain search is known to be refused, and the parameter to ask by from the start. */
	required?: Readonly<Record<string, string>>;
	/** Further values to ask by, as `Type.parameter`. */
	values?: Readonly<Record<string, readonly string[]>>;
}

export const DEFAULT_COUNT = 100;
export const FHIR_JSON = 'application/fhir+json';

const vendors: Readonly<Record<string, VendorFhir>> = {
	epic: {
		required: { Observation: 'category', CarePlan: 'category' },
		values: {
			'Observation.category': ['core-characteristics', 'genomics', 'lda', 'smartdata'],
			// SNOMED CT: care plan, longitudinal, outpatient, inpatient, dental.
			'CarePlan.category': ['734163000', '38717003', '736271009', '736353004', '738906000'],
		},
	},
	oracle: { required: { Observation: 'category', Appointment: 'date' } },
	veradigm: {},
	athenahealth: { required: { MedicationRequest: 'intent' } },
	eclinicalworks: { required: { Observation: 'category', CarePlan: 'category', CareTeam: 'status' } },
	// Serves 25 a page whatever is asked.
	nextgen: { count: 25, required: { CarePlan: 'category', Observation: 'category' } },
	drchrono: { accept: 'application/json+fhir' },
	meditech: {},
	practicefusion: {},
	greenway: {},
	bluebutton: { count: 50 },
};

/** @param key a vendor key of the provider directory; an unknown one or null has no peculiarities. */
export function vendorFhir(key: string | null): VendorFhir {
	return (key !== null && Object.hasOwn(vendors, key) && vendors[key]) || {};
}

export const vendorKeys: readonly string[] = Object.keys(vendors);
