import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkIssuer } from '../../../sw/smart/authorize.js';
import {
	discover,
	metadataRequest,
	normalizeBase,
	processMetadataResponse,
	processSmartConfigurationResponse,
	smartConfigurationRequest,
} from '../../../sw/smart/discover.js';
import { chooseScopes } from '../../../sw/smart/scopes.js';
import { vendorAuth } from '../../../sw/smart/vendors.js';
import { codeOf, json, network, sent } from '../setup.js';
import { answer, BASE, VENDORS } from './support.js';

const document = {
	issuer: 'https://auth.test',
	authorization_endpoint: 'https://auth.test/authorize',
	token_endpoint: 'https://auth.test/token',
	code_challenge_methods_supported: ['S256'],
	capabilities: ['launch-standalone'],
	scopes_supported: ['openid'],
};
const judge = (body: unknown, status = 200) => processSmartConfigurationResponse(answer(body, status), BASE);
const refusal = (body: unknown, status = 200) => codeOf(() => judge(body, status));

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';
const metadata = (...uris: [string, string][]) => ({
	resourceType: 'CapabilityStatement',
	rest: [
		{
			security: {
				extension: [
					{ url: 'http://else.test' },
					{ url: OAUTH_URIS, extension: uris.map(([url, valueUri]) => ({ url, valueUri })) },
				],
			},
		},
	],
});

test('the document is asked for below the base, as JSON, without cookies to follow it', () => {
	const [url, options] = smartConfigurationRequest(BASE);
	expect(url).toBe('https://fhir.test/r4/.well-known/smart-configuration');
	expect(options).toMatchObject({ headers: { Accept: 'application/json' }, follow: true });
	expect(metadataRequest(BASE)[0]).toBe('https://fhir.test/r4/metadata');
});

test('what is not said is null, empty or false, never made up', () => {
	expect(judge({ ...document, issuer: undefined, scopes_supported: undefined, capabilities: 7 })).toEqual({
		issuer: null,
		authorizationEndpoint: 'https://auth.test/authorize',
		tokenEndpoint: 'https://auth.test/token',
		revocationEndpoint: null,
		introspectionEndpoint: null,
		registrationEndpoint: null,
		jwksUri: null,
		scopesSupported: [],
		capabilities: [],
		issInResponse: false,
		idTokenAlgorithms: [],
	});
});

test('relative endpoints resolve against the base', () => {
	const found = judge({ ...document, authorization_endpoint: 'oauth/authorize', token_endpoint: '/oauth/token' });
	expect(found.authorizationEndpoint).toBe('https://fhir.test/r4/oauth/authorize');
	expect(found.tokenEndpoint).toBe('https://fhir.test/oauth/token');
});

test('a list of PKCE methods without S256 ends it; a missing list does not', async () => {
	expect(await refusal({ ...document, code_challenge_methods_supported: ['plain'] })).toBe('pkce_unsupported');
	expect(await refusal({ ...document, code_challenge_methods_supported: undefined })).toBeUndefined();
});

test.each([
	['a web page', '<!doctype html><title>Sign in</title>', 200, 'discovery_invalid'],
	['not JSON', '{"authorization_endpoint":', 200, 'discovery_invalid'],
	['an array', [], 200, 'discovery_invalid'],
	['no token endpoint', { ...document, token_endpoint: undefined }, 200, 'discovery_invalid'],
	['an endpoint without TLS', { ...document, token_endpoint: 'http://auth.test/token' }, 200, 'discovery_invalid'],
	['an endpoint that is a script', { ...document, token_endpoint: 'javascript:alert(1)' }, 200, 'discovery_invalid'],
	['an endpoint with a password', { ...document, token_endpoint: 'https://a:b@auth.test/' }, 200, 'discovery_invalid'],
	['404', '', 404, 'discovery_not_found'],
	['401', '', 401, 'discovery_not_found'],
	['503', '', 503, 'provider_unavailable'],
	['429', '', 429, 'provider_unavailable'],
])('%s', async (_what, body, status, code) => {
	expect(await refusal(body, status)).toBe(code);
});

test('the metadata extension stands in for the document, without claiming more than it says', () => {
	const body = metadata(['authorize', 'https://auth.test/a'], ['token', 'token'], ['revoke', 'r']);
	expect(processMetadataResponse(answer(body), BASE)).toMatchObject({
		issuer: null,
		authorizationEndpoint: 'https://auth.test/a',
		tokenEndpoint: 'https://fhir.test/r4/token',
		revocationEndpoint: 'https://fhir.test/r4/r',
		scopesSupported: [],
	});
});

test('an endpoint that would get refresh tokens is of the token endpoint’s origin, or is none', () => {
	const elsewhere = { revocation_endpoint: 'https://evil.test/r', introspection_endpoint: 'https://evil.test/i' };
	expect(judge({ ...document, ...elsewhere })).toMatchObject({ revocationEndpoint: null, introspectionEndpoint: null });
	const beside = { revocation_endpoint: 'https://auth.test/r', introspection_endpoint: 'https://auth.test/i' };
	expect(judge({ ...document, ...beside })).toMatchObject({
		revocationEndpoint: 'https://auth.test/r',
		introspectionEndpoint: 'https://auth.test/i',
	});
	const body = metadata(['authorize', 'https://auth.test/a'], ['token', 'token'], ['revoke', 'https://evil.test/r']);
	expect(processMetadataResponse(answer(body), BASE).revocationEndpoint).toBeNull();
});

test('a DSTU2 server tells the same by its Conformance, and is asked for scopes of version 1', () => {
	const body = { ...metadata(['authorize', 'https://auth.test/a'], ['token', 't']), resourceType: 'Conformance' };
	const found = processMetadataResponse(answer(body), BASE);
	expect(found).toMatchObject({
		authorizationEndpoint: 'https://auth.test/a',
		tokenEndpoint: 'https://fhir.test/r4/t',
	});
	expect(chooseScopes(found).split(' ')).toContain('patient/*.read');
	expect(metadataRequest(BASE)[1].headers).toMatchObject({ Accept: expect.stringContaining('application/json+fhir') });
});

test('metadata without both endpoints is not a substitute', async () => {
	for (const body of [metadata(['authorize', 'https://auth.test/a']), { rest: [] }, { resourceType: 'Patient' }])
		expect(await codeOf(() => processMetadataResponse(answer(body), BASE))).toBe('discovery_invalid');
});

test('discovery falls back to metadata when the document is missing or no document', async () => {
	for (const first of [() => new Response('', { status: 404 }), () => new Response('<html>')]) {
		network(({ url }) =>
			url.endsWith('/metadata')
				? json(metadata(['authorize', 'https://auth.test/a'], ['token', 'https://auth.test/t']))
				: first(),
		);
		expect((await discover(BASE)).tokenEndpoint).toBe('https://auth.test/t');
	}
});

test('when both fail, the error is that of the document that should be there', async () => {
	network(({ url }) => new Response('', { status: url.endsWith('/metadata') ? 500 : 404 }));
	expect(await codeOf(discover(BASE))).toBe('discovery_not_found');
	network(() => new Response('<html>'));
	expect(await codeOf(discover(BASE))).toBe('discovery_invalid');
});

test('an outage is not mistaken for a missing document', async () => {
	network(() => new Response('', { status: 503 }));
	expect(await codeOf(discover(BASE))).toBe('provider_unavailable');
	expect(sent).toHaveLength(1);
});

test('a document of 5 MB is refused, announced or not', async () => {
	const huge = new Uint8Array(5 * 1024 * 1024).fill(0x20);
	network(() => new Response(huge));
	expect(await codeOf(discover(BASE))).toBe('discovery_too_large');
	network(() => new Response('', { headers: { 'Content-Length': String(huge.length) } }));
	expect(await codeOf(discover(BASE))).toBe('discovery_too_large');
});

test('a redirect is followed, a loop of them is named', async () => {
	network(({ url }) =>
		url.startsWith(BASE)
			? new Response(null, { status: 302, headers: { Location: 'https://new.test/doc' } })
			: json(document),
	);
	expect((await discover(BASE)).issuer).toBe('https://auth.test');
	network(({ url }) => new Response(null, { status: 302, headers: { Location: url } }));
	expect(await codeOf(discover(BASE))).toBe('discovery_redirects');
});

test('the base loses its slash, query and fragment, and nothing else', () => {
	expect(normalizeBase(' https://Fhir.test:8443/R4/?x=1#y ')).toBe('https://fhir.test:8443/R4');
	expect(normalizeBase('http://localhost:4000/fhir')).toBe('http://localhost:4000/fhir');
});

test.each([
	['http://fhir.test/r4', 'url_insecure'],
	['http://localhost.evil.test/r4', 'url_insecure'],
	['ftp://fhir.test', 'url_invalid'],
	['https://me:pw@fhir.test', 'url_invalid'],
	['fhir.test', 'url_invalid'],
	['', 'url_invalid'],
])('a base such as "%s" is refused', async (text, code) => {
	expect(await codeOf(() => normalizeBase(text))).toBe(code);
});

describe.skipIf(!existsSync(VENDORS))('the documents of real vendors', () => {
	const files = existsSync(VENDORS) ? readdirSync(VENDORS) : [];
	test.each(files.filter((name) => /smart-configuration/.test(name)))('%s is understood', (file) => {
		const found = processSmartConfigurationResponse(answer(readFileSync(new URL(file, VENDORS))), BASE);
		expect(new URL(found.authorizationEndpoint).protocol).toBe('https:');
		expect(new URL(found.tokenEndpoint).protocol).toBe('https:');
		expect(found.issuer).toMatch(/^https:/);
		// The files are named for their vendors: "oracle-cerner-smart-configuration-patient.json".
		const vendor = /^\w+/.exec(file)?.[0];
		expect(() => checkIssuer(found, vendorAuth(vendor))).not.toThrow();
	});

	test.each(files.filter((name) => /capabilitystatement/.test(name)))(
		'%s gives endpoints or says that it has none',
		async (file) => {
			const body = readFileSync(new URL(file, VENDORS));
			const told = body.includes(OAUTH_URIS);
			const code = await codeOf(() => processMetadataResponse(answer(body), BASE));
			expect(code).toBe(told ? undefined : 'discovery_invalid');
		},
	);
});
