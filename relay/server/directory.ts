/** The provider directory of a JSON file, and whether its client authentication holds together with the keys. */
import type { JWK } from 'jose';
import * as v from 'valibot';
import { type Provider, Providers } from '../contract.js';
import type { AssertionKey } from './assertion-keys.js';
import { ConfigError, readJsonFile } from './config-error.js';
import { fileProblems } from './config-words.js';
import { insecure } from './loopback.js';
import { readPrivateKey, sameKey } from './private-key.js';

/** The keys beside the directory. */
interface Keys {
	assertionKeys: readonly AssertionKey[];
	/** Those of JWKS. */
	jwks: readonly JWK[];
}

/**
 * The provider directory of a JSON file. Records travel from the FHIR servers it names, and assertions to the token
 * endpoints: https, or this machine.
 * @throws {ConfigError} `providers_invalid`
 */
export function readProviders(path: string, keys: Keys = { assertionKeys: [], jwks: [] }): Provider[] {
	const parsed = v.safeParse(Providers, readJsonFile('PROVIDERS', path, 'providers_invalid'));
	if (!parsed.success) throw new ConfigError('providers_invalid', fileProblems(parsed.issues, path));
	const { providers } = parsed.output;
	const problems: string[] = [];
	const ids = new Set<string>();
	for (const [at, provider] of providers.entries()) {
		const where = `${path}: providers.${at}`;
		const { id, fhirBaseUrl } = provider;
		if (ids.has(id)) problems.push(`${where}.id ${id} occurs twice`);
		ids.add(id);
		const reason = insecure(fhirBaseUrl);
		if (reason) problems.push(`${where}.fhirBaseUrl ${reason}`);
		problems.push(...clientAuthProblems(provider, keys).map((problem) => `${where}.clientAuth${problem}`));
	}
	if (problems.length) throw new ConfigError('providers_invalid', problems);
	return providers;
}

function clientAuthProblems({ clientAuth }: Provider, { assertionKeys, jwks }: Keys): string[] {
	if (clientAuth?.method === 'relay-signed') {
		const reason = insecure(clientAuth.tokenEndpoint);
		return [
			...(reason ? [`.tokenEndpoint ${reason}`] : []),
			...(assertionKeys.length ? [] : [' is relay-signed, and there are no ASSERTION_KEYS to sign with']),
		];
	}
	if (clientAuth?.method !== 'embedded-key') return [];
	const key = readPrivateKey(clientAuth.key);
	if (typeof key === 'string') return [`.key ${key}`];
	if (assertionKeys.some(({ publicJwk }) => sameKey(publicJwk, key.publicJwk))) {
		return ['.key is also in ASSERTION_KEYS: the directory would give the key of this relay to everybody'];
	}
	// The set at our address is what relay-signed clients are registered with, so its keys must stay with us.
	if (assertionKeys.length && jwks.some((other) => sameKey(other, key.publicJwk))) {
		return ['.key is also in JWKS: whoever reads the directory could sign for the relay-signed clients'];
	}
	return [];
}
