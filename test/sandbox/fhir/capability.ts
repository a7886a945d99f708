/** What a server says about itself: `/metadata` and `/.well-known/smart-configuration`. */
import { JWT_BEARER } from '../oauth/assertions.js';
import type { AuthorizationServer } from '../oauth/server.js';
import type { SystemProfile } from '../profile.js';
import { commonParams, paramsOf } from './params.js';

export function typesOf(profile: SystemProfile): string[] {
	return Object.keys(paramsOf(profile.fhir.version)).filter((type) => !profile.fhir.lacks.includes(type));
}

export function capabilityStatement(profile: SystemProfile, fhirBase: string, issuer: string): object {
	const oauthUris = [
		{ url: 'authorize', valueUri: `${issuer}/auth` },
		{ url: 'token', valueUri: `${issuer}/token` },
		...(profile.auth.revocation === 'absent' ? [] : [{ url: 'revoke', valueUri: `${issuer}/token/revocation` }]),
	];
	const resource = typesOf(profile).map((type) => ({
		type,
		interaction: type === 'Binary' ? [{ code: 'read' }] : [{ code: 'read' }, { code: 'search-type' }],
		...(type === 'Binary'
			? {}
			: {
					searchParam: Object.entries({ ...commonParams, ...paramsOf(profile.fhir.version)[type] })
						.filter(([name]) => name !== '_lastUpdated' || profile.fhir.lastUpdated === 'works')
						.map(([name, { type: kind }]) => ({ name, type: kind })),
				}),
	}));
	const dstu2 = profile.fhir.version === '1.0.2';
	return {
		resourceType: dstu2 ? 'Conformance' : 'CapabilityStatement',
		...(dstu2 ? { acceptUnknown: 'no' } : {}),
		status: 'active',
		date: '2026-01-01',
		kind: 'instance',
		implementation: { description: profile.name, url: fhirBase },
		fhirVersion: profile.fhir.version,
		format: [profile.fhir.json, 'json'],
		rest: [
			{
				mode: 'server',
				security: {
					cors: profile.fhir.cors,
					service: [
						{
							coding: [
								{
									system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
									code: 'SMART-on-FHIR',
								},
							],
						},
					],
					extension: [
						{
							url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
							extension: oauthUris,
						},
					],
				},
				resource,
			},
		],
	};
}

/** SMART App Launch 2.2, "Conformance". */
export function smartConfiguration(profile: SystemProfile, { issuer, scopes }: AuthorizationServer): object {
	const { auth } = profile;
	const confidential = auth.client.method === 'embedded-key' || auth.client.method === 'relay-signed';
	const grants = ['authorization_code'];
	if (auth.refresh !== 'none') grants.push('refresh_token');
	if (auth.client.method === 'device-key') grants.push(JWT_BEARER);
	return {
		issuer,
		jwks_uri: `${issuer}/jwks`,
		authorization_endpoint: `${issuer}/auth`,
		token_endpoint: `${issuer}/token`,
		...(auth.revocation === 'absent' ? {} : { revocation_endpoint: `${issuer}/token/revocation` }),
		...(auth.tellsEnd === 'introspection' ? { introspection_endpoint: `${issuer}/introspect` } : {}),
		token_endpoint_auth_methods_supported: [confidential ? 'private_key_jwt' : 'none'],
		...('alg' in auth.client ? { token_endpoint_auth_signing_alg_values_supported: [auth.client.alg] } : {}),
		grant_types_supported: grants,
		response_types_supported: ['code'],
		code_challenge_methods_supported: ['S256'],
		authorization_response_iss_parameter_supported: true,
		scopes_supported: scopes,
		capabilities: [
			'launch-standalone',
			confidential ? 'client-confidential-asymmetric' : 'client-public',
			'context-standalone-patient',
			'sso-openid-connect',
			'permission-patient',
			...(auth.refresh === 'none' ? [] : ['permission-offline']),
			...auth.scopes.map((version) => `permission-${version}`),
		],
	};
}
