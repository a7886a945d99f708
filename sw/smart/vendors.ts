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
}

const VENDORS: Record<string, VendorAuth> = {
	epic: { introspects: true },
	athenahealth: { refreshSendsScope: true },
	nextgen: { scope: 'openid fhirUser launch/patient offline_access patient/*.read' },
	drchrono: { scope: 'openid offline_access fhirUser launch/patient patient/*.read' },
	veradigm: { scope: 'launch/patient openid profile user/*.read patient/*.read', issuerElsewhere: true },
	greenway: { scope: 'launch/patient openid fhirUser online_access patient/*.read' },
};

export function vendorAuth(vendor: string | undefined): VendorAuth {
	return (vendor && Object.hasOwn(VENDORS, vendor) && VENDORS[vendor]) || {};
}
