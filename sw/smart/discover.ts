/**
 * Where a FHIR server's authorization server is: `[base]/.well-known/smart-configuration` (S:29), else the `oauth-uris`
 * extension of `[base]/metadata`. Endpoints may be relative to the base (S:379).
 */
import * as v from 'valibot';
import { BrokerError } from '../errors.js';
import { bodyJson, checkedUrl, type HttpAnswer, type HttpOptions, http } from '../http.js';

/** What the wallet needs to know of an authorization server; stored with the connection. All URLs absolute. */
export interface SmartConfiguration {
	issuer: string | null;
	authorizationEndpoint: string;
	tokenEndpoint: string;
	revocationEndpoint: string | null;
	introspectionEndpoint: string | null;
	/** Missing in rows of an earlier version. */
	registrationEndpoint?: string | null;
	jwksUri: string | null;
	scopesSupported: string[];
	capabilities: string[];
	/** Whether the authorization response must carry `iss` (RFC 9207). */
	issInResponse: boolean;
	idTokenAlgorithms: string[];
}

const strings = v.optional(v.fallback(v.array(v.string()), []), []);
const url = v.optional(v.fallback(v.nullable(v.string()), null), null);

const WellKnown = v.object({
	issuer: url,
	authorization_endpoint: v.string(),
	token_endpoint: v.string(),
	revocation_endpoint: url,
	introspection_endpoint: url,
	registration_endpoint: url,
	jwks_uri: url,
	scopes_supported: strings,
	capabilities: strings,
	code_challenge_methods_supported: strings,
	authorization_response_iss_parameter_supported: v.optional(v.fallback(v.boolean(), false), false),
	id_token_signing_alg_values_supported: strings,
});

/** The FHIR base as it is stored, compared and sent as `aud`: checked, without query, fragment or trailing slash. */
export function normalizeBase(text: string): string {
	const url = checkedUrl(text.trim());
	return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

const OPTIONS: HttpOptions = {
	headers: { Accept: 'application/json' },
	follow: true,
	maxBytes: 2 * 1024 * 1024,
	timeout: 15_000,
	tooLarge: 'discovery_too_large',
	redirected: 'discovery_redirects',
};

export function smartConfigurationRequest(base: string): [string, HttpOptions] {
	return [`${base}/.well-known/smart-configuration`, OPTIONS];
}

/** @throws {BrokerError} `discovery_not_found`, `discovery_invalid`, `provider_unavailable`, `pkce_unsupported` */
export function processSmartConfigurationResponse(answer: HttpAnswer, base: string): SmartConfiguration {
	checkStatus(answer);
	const parsed = v.safeParse(WellKnown, bodyJson(answer));
	if (!parsed.success) throw new BrokerError('discovery_invalid', { cause: parsed.issues });
	const found = parsed.output;
	const methods = found.code_challenge_methods_supported;
	// S:13. A list that is missing says nothing; one that leaves S256 out says no.
	if (methods.length && !methods.includes('S256')) throw new BrokerError('pkce_unsupported');
	return {
		issuer: found.issuer,
		authorizationEndpoint: endpoint(found.authorization_endpoint, base),
		tokenEndpoint: endpoint(found.token_endpoint, base),
		revocationEndpoint: trustedEndpoint(found.revocation_endpoint, found.token_endpoint, base),
		introspectionEndpoint: trustedEndpoint(found.introspection_endpoint, found.token_endpoint, base),
		registrationEndpoint: optionalEndpoint(found.registration_endpoint, base),
		jwksUri: optionalEndpoint(found.jwks_uri, base),
		scopesSupported: found.scopes_supported,
		capabilities: found.capabilities,
		issInResponse: found.authorization_response_iss_parameter_supported,
		idTokenAlgorithms: found.id_token_signing_alg_values_supported,
	};
}

export function metadataRequest(base: string): [string, HttpOptions] {
	// DSTU2's type too: some of its servers know no other.
	const headers = { Accept: 'application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8' };
	return [`${base}/metadata`, { ...OPTIONS, headers, timeout: 30_000, maxBytes: 8 * 1024 * 1024 }];
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

const Extension = v.object({ url: v.string(), valueUri: v.optional(v.string()) });
const Metadata = v.object({
	resourceType: v.fallback(v.string(), ''),
	rest: v.array(
		v.object({
			security: v.optional(
				v.object({
					extension: v.optional(v.array(v.object({ url: v.string(), extension: v.optional(v.array(Extension)) }))),
				}),
			),
		}),
	),
});

/** The same from `/metadata` (CapabilityStatement or Conformance), for servers without the well-known document. Same errors. */
export function processMetadataResponse(answer: HttpAnswer, base: string): SmartConfiguration {
	checkStatus(answer);
	const parsed = v.safeParse(Metadata, bodyJson(answer));
	const uris = parsed.success
		? parsed.output.rest.flatMap((rest) => rest.security?.extension ?? []).find(({ url }) => url === OAUTH_URIS)
		: undefined;
	const of = (name: string) => uris?.extension?.find(({ url }) => url === name)?.valueUri ?? null;
	const [authorize, token] = [of('authorize'), of('token')];
	if (!authorize || !token) throw new BrokerError('discovery_invalid');
	return {
		issuer: null,
		authorizationEndpoint: endpoint(authorize, base),
		tokenEndpoint: endpoint(token, base),
		revocationEndpoint: trustedEndpoint(of('revoke'), token, base),
		introspectionEndpoint: trustedEndpoint(of('introspect'), token, base),
		registrationEndpoint: optionalEndpoint(of('register'), base),
		jwksUri: null,
		scopesSupported: [],
		// DSTU2's Conformance is of a time before version 2 of scopes.
		capabilities: parsed.success && parsed.output.resourceType === 'Conformance' ? ['permission-v1'] : [],
		issInResponse: false,
		idTokenAlgorithms: [],
	};
}

/**
 * @param base as `normalizeBase` gives it
 * @throws {BrokerError} `discovery_*`, `pkce_unsupported`, `provider_unavailable`, and what `http` throws
 */
export async function discover(base: string): Promise<SmartConfiguration> {
	try {
		return processSmartConfigurationResponse(await http(...smartConfigurationRequest(base)), base);
	} catch (error) {
		if (!(error instanceof BrokerError) || !FALL_BACK.has(error.code)) throw error;
		try {
			return processMetadataResponse(await http(...metadataRequest(base)), base);
		} catch {
			// What was wrong with the document that should be there says more than what was wrong with the substitute.
			throw error;
		}
	}
}

/** A 404 often comes without CORS headers, and then looks like these two. */
const FALL_BACK = new Set(['discovery_not_found', 'discovery_invalid', 'cors', 'network']);

function checkStatus({ status }: HttpAnswer): void {
	if (status === 429 || status >= 500) throw new BrokerError('provider_unavailable');
	if (status !== 200) throw new BrokerError('discovery_not_found');
}

function endpoint(text: string, base: string): string {
	try {
		return checkedUrl(text, `${base}/`).href;
	} catch (cause) {
		throw new BrokerError('discovery_invalid', { cause });
	}
}

/**
 * An endpoint that gets refresh tokens and assertions: of the token endpoint's origin, which gets them anyway, or none. A
 * hostile document could name another server's token endpoint beside its own here.
 */
function trustedEndpoint(text: string | null, token: string, base: string): string | null {
	const found = optionalEndpoint(text, base);
	return found && new URL(found).origin === new URL(endpoint(token, base)).origin ? found : null;
}

function optionalEndpoint(text: string | null, base: string): string | null {
	return text ? endpoint(text, base) : null;
}
