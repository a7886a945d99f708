/** The provider directory of a JSON file, and whether its client authentication holds together with the keys. */
import type { JWK } from 'jose';
import * as v from 'valibot';
import { ClientAuth, Provider, Providers } from '../../contract.js';
import type { AssertionKey } from '../keys/assertion-keys.js';
import { readPrivateKey, sameKey } from '../keys/private-key.js';
import { ConfigError, readJsonFile } from './config-error.js';
import { fileProblems, shown } from './config-words.js';
import { insecure } from './loopback.js';

/** The keys beside the directory. */
interface Keys {
	assertionKeys: readonly AssertionKey[];
	/** Those of JWKS. */
	jwks: readonly JWK[];
}

/**
 * The provider directory of a JSON file. Records travel from the FHIR servers it names, and assertions to the token
 * endpoints: https, or this machine. A member that nobody knows is a mistake: it is a misspelt one, and what it was to say
 * would not hold.
 * @throws {ConfigError} `providers_invalid` with all that is wrong
 */
export function readProviders(path: string, keys: Keys = { assertionKeys: [], jwks: [] }): Provider[] {
	const file = v.safeParse(Directory, readJsonFile('PROVIDERS', path, 'providers_invalid'));
	if (!file.success) throw new ConfigError('providers_invalid', linesOf(path, fileProblems(file.issues)));
	const problems = unknownMembers(file.output, Providers.entries).map((name) => `${name} is not known`);
	const providers: Provider[] = [];
	const ids = new Set<string>();
	for (const [at, entry] of file.output.providers.entries()) {
		const where = `providers.${at}`;
		problems.push(...strangers(entry).map((name) => `${where}.${name} is not known`));
		const parsed = v.safeParse(Provider, entry);
		if (!parsed.success) {
			problems.push(...fileProblems(parsed.issues, where));
			continue;
		}
		const provider = parsed.output;
		const { id, fhirBaseUrl } = provider;
		if (ids.has(id)) problems.push(`${where}.id ${shown(id)} occurs twice`);
		ids.add(id);
		const reason = insecure(fhirBaseUrl);
		if (reason) problems.push(`${where}.fhirBaseUrl ${reason}`);
		problems.push(...clientAuthProblems(provider, keys).map((problem) => `${where}.clientAuth${problem}`));
		providers.push(provider);
	}
	if (problems.length) throw new ConfigError('providers_invalid', linesOf(path, problems));
	return providers;
}

const Directory = v.looseObject({ providers: v.array(v.unknown()) });

const linesOf = (path: string, problems: string[]) => problems.map((problem) => `${path}: ${problem}`);

/** The members of an entry that the contract does not have. An embedded key may have members of its own. */
function strangers(entry: unknown): string[] {
	if (!isObject(entry)) return [];
	const { clientAuth } = entry;
	const method = isObject(clientAuth) ? clientAuth.method : undefined;
	const schema = ClientAuth.options.find(({ entries }) => entries.method.literal === method);
	const inside = isObject(clientAuth) && schema ? unknownMembers(clientAuth, schema.entries) : [];
	return [...unknownMembers(entry, Provider.entries), ...inside.map((name) => `clientAuth.${name}`)];
}

function unknownMembers(value: Record<string, unknown>, known: object): string[] {
	return Object.keys(value)
		.filter((name) => !Object.hasOwn(known, name))
		.map(shown);
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}

function clientAuthProblems({ clientAuth }: Provider, { assertionKeys, jwks }: Keys): string[] {
	if (clientAuth?.method === 'relay-signed') {
		const reason = insecure(clientAuth.tokenEndpoint);
		return [
			...(reason ? [`.tokenEndpoint ${reason}`] : []),
			...(assertionKeys.length
				? []
				: [' is relay-signed, and there are no ASSERTION_KEYS to sign with (npm run keys makes them)']),
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
