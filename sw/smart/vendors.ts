/**
 * What is known of vendors' authorization servers, as data: an entry says only where a vendor differs from SMART App
 * Launch 2.2. The key is `Provider.vendor` of the directory; an unknown key means no difference. How their FHIR servers
 * differ is in `sw/fhir/vendors.ts`.
 */
export interface VendorAuth {
	/** Scopes to ask for instead of the computed ones. */
	scope?: string;
	/** The refresh request must repeat the scope. */
	refreshSendsScope?: boolean;
	/** The end of a refresh token is told by introspection with the access token as bearer. */
	introspects?: boolean;
	/** Its issuer is on another origin than its token endpoint. */
	issuerElsewhere?: boolean;
	/** Asked for tokens more often than this, in milliseconds, it may throttle. */
	minRefreshIntervalMs?: number;
	/** Its token endpoint answers 500 where others answer 400: then the `error` member alone says what is meant. */
	errorsAs500?: boolean;
	/** The launch context is among the claims of the access token, a JWT, where the answer itself does not name it. */
	contextInAccessToken?: boolean;
}

/**
 * What needs no entry: scopes that follow from what a server offers (`scopes.ts`), ends that it tells in its answers
 * (`expiry.ts`), how a client authenticates (the directory says it), and a token endpoint without CORS (it is tried before
 * anybody is sent there).
 */
const VENDORS: Record<string, VendorAuth> = {
	epic: { introspects: true },
	oracle: { minRefreshIntervalMs: 60_000 },
	athenahealth: { refreshSendsScope: true },
	nextgen: { scope: 'openid fhirUser launch/patient offline_access patient/*.read' },
	// The wildcard does not cover Binary.
	drchrono: {
		scope: 'openid offline_access fhirUser launch/patient patient/*.read patient/Binary.read',
		errorsAs500: true,
	},
	veradigm: {
		scope: 'launch/patient openid profile user/*.read patient/*.read',
		issuerElsewhere: true,
		contextInAccessToken: true,
	},
	eclinicalworks: { issuerElsewhere: true },
	greenway: { scope: 'launch/patient openid fhirUser online_access patient/*.read' },
};

export function vendorAuth(vendor: string | undefined): VendorAuth {
	return (vendor && Object.hasOwn(VENDORS, vendor) && VENDORS[vendor]) || {};
}
