/** The provider directory: fetched from the host of the app, kept sealed for when there is no network. */
import * as v from 'valibot';
import { type Provider, Providers, routes } from '../../relay/contract.js';
import type { ProviderView } from '../contract.js';
import { BrokerError } from '../errors.js';
import { bodyJson, http } from '../http.js';
import type { RowKey } from './db.js';
import { commit, read } from './rows.js';

const KEY: RowKey = ['providers'];
/** How long a directory is taken as it is before asking again. */
const FRESH_MS = 5 * 60_000;

interface Directory {
	providers: Provider[];
	fetchedAt: number;
}

interface Indexed extends Directory {
	/** What is searched in, one entry a provider: folded, a space before every word. */
	haystacks: string[];
}

let cached: Promise<Indexed> | undefined;

async function directory(): Promise<Indexed> {
	const known = cached;
	const current = await known?.catch(() => undefined);
	if (current && Date.now() - current.fetchedAt < FRESH_MS) return current;
	// Of several that find it old, the first asks.
	if (!cached || cached === known) cached = load();
	return cached;
}

async function load(): Promise<Indexed> {
	const stored = await read<Directory>(KEY);
	try {
		const answer = await http(new URL(routes.providers, self.location.origin).href, { maxBytes: 64 * 1024 * 1024 });
		const { providers } = v.parse(Providers, answer.status === 200 ? bodyJson(answer) : undefined);
		const fetched = { providers, fetchedAt: Date.now() };
		await commit([{ key: KEY, value: fetched }]);
		return index(fetched);
	} catch (cause) {
		if (stored) return index(stored.value);
		throw cause instanceof BrokerError ? cause : new BrokerError('relay_error', { cause });
	}
}

function index(directory: Directory): Indexed {
	const haystacks = directory.providers.map(({ name, aliases = [], location = '', fhirBaseUrl }) =>
		fold(` ${[name, ...aliases, location, new URL(fhirBaseUrl).host].join(' ')}`),
	);
	return { ...directory, haystacks };
}

/** Case, accents and punctuation do not count when people search. */
function fold(text: string): string {
	return text
		.normalize('NFD')
		.replace(/\p{M}/gu, '')
		.toLowerCase()
		.replace(/[^\p{L}\p{N}]+/gu, ' ');
}

/** Every word must begin a word of the entry, or at least occur in it; beginnings come first. */
export async function searchProviders(
	text: string,
	limit: number,
): Promise<{ providers: ProviderView[]; total: number }> {
	const { providers, haystacks } = await directory();
	const words = fold(text).trim().split(' ').filter(Boolean);
	const found: { provider: Provider; score: number }[] = [];
	providers.forEach((provider, i) => {
		const haystack = haystacks[i] ?? '';
		let score = 0;
		for (const word of words) {
			if (haystack.startsWith(` ${word}`)) score += 3;
			else if (haystack.includes(` ${word}`)) score += 2;
			else if (haystack.includes(word)) score += 1;
			else return;
		}
		found.push({ provider, score });
	});
	found.sort((a, b) => b.score - a.score || a.provider.name.localeCompare(b.provider.name));
	return { providers: found.slice(0, limit).map(({ provider }) => view(provider)), total: found.length };
}

function view({ id, name, location, fhirBaseUrl }: Provider): ProviderView {
	return { id, name, ...(location ? { location } : {}), host: new URL(fhirBaseUrl).host };
}

/** @throws {BrokerError} `provider_unknown` */
export async function getProvider(id: string): Promise<Provider> {
	const { providers } = await directory();
	const provider = providers.find((candidate) => candidate.id === id);
	if (!provider) throw new BrokerError('provider_unknown');
	return provider;
}

/**
 * The entry that a connection was made from, as the directory lists it now: client ids and keys change. By its id, or by its
 * name in rows of an earlier version; always at the same FHIR base, because there the patient's id means the same patient.
 * @returns undefined where it is not listed, or no directory can be had
 */
export async function currentEntry(
	provider: { id?: string | undefined; name: string },
	isBase: (fhirBaseUrl: string) => boolean,
): Promise<Provider | undefined> {
	const { providers } = await directory().catch(() => ({ providers: [] as Provider[] }));
	const here = providers.filter(({ fhirBaseUrl }) => isBase(fhirBaseUrl));
	return here.find(({ id }) => id === provider.id) ?? here.find(({ name }) => name === provider.name);
}
