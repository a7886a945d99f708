/** The provider directory: fetched from the host of the app, kept sealed for when there is no network. */
import * as v from 'valibot';
import { type Provider, Providers, routes } from '../../relay/contract.js';
import type { ProviderView } from '../contract.js';
import { BrokerError } from '../errors.js';
import { bodyJson, http } from '../http.js';
import { currentEra, type RowKey } from './db.js';
import { commit, read } from './rows.js';

const KEY: RowKey = ['providers'];
/** How long a directory is taken as it is before asking again. */
const FRESH_MS = 5 * 60_000;
/** After one that could not be had, where there is an older one. */
const PAUSE_MS = 30_000;
/** How long going to a provider waits for a newer directory than the one that is here. */
const PATIENCE_MS = 5_000;
/** Where there is none yet: it may name every hospital of a country, and the network be slow. */
const TIMEOUT_MS = 55_000;

interface Directory {
	providers: Provider[];
	fetchedAt: number;
	/** Of the answer, to ask whether there is another one by now. */
	etag?: string | null;
}

interface Indexed extends Directory {
	/** By name. `haystack` is what is searched in: folded, a space before every word. */
	entries: { provider: Provider; haystack: string }[];
}

let known: Promise<Indexed | undefined> | undefined;
let asking: Promise<Indexed> | undefined;
let pauseUntil = 0;

/** @param patience how long an older one that is here waits for a newer one, in milliseconds */
async function directory(patience: number): Promise<Indexed> {
	known ??= stored();
	const here = await known.catch((error) => {
		known = undefined;
		throw error;
	});
	const age = Date.now() - (here?.fetchedAt ?? 0);
	if (here && ((age >= 0 && age < FRESH_MS) || Date.now() < pauseUntil)) return here;
	// Of several that find it old, the first asks.
	asking ??= ask(here).finally(() => {
		asking = undefined;
	});
	if (!here) return asking;
	const newer = asking.catch(() => {
		pauseUntil = Date.now() + PAUSE_MS;
		return here;
	});
	return Promise.race([newer, new Promise<Indexed>((resolve) => setTimeout(resolve, patience, here))]);
}

async function stored(): Promise<Indexed | undefined> {
	const row = await read<Directory>(KEY);
	return row && index(row.value);
}

async function ask(here: Indexed | undefined): Promise<Indexed> {
	const era = currentEra();
	try {
		const answer = await http(new URL(routes.providers, self.location.origin).href, {
			maxBytes: 64 * 1024 * 1024,
			timeout: TIMEOUT_MS,
			headers: here?.etag ? { 'If-None-Match': here.etag } : {},
		});
		const fetchedAt = Date.now();
		let current: Indexed;
		if (here && answer.status === 304) current = { ...here, fetchedAt };
		else {
			const { providers } = v.parse(Providers, answer.status === 200 ? bodyJson(answer) : undefined);
			const fetched: Directory = { providers, fetchedAt, etag: answer.headers.get('ETag') };
			// What cannot be stored is asked for again by the next worker.
			await commit([{ key: KEY, value: fetched }, { era }]).catch(() => undefined);
			current = index(fetched);
		}
		known = Promise.resolve(current);
		return current;
	} catch (cause) {
		throw cause instanceof BrokerError ? cause : new BrokerError('relay_error', { cause });
	}
}

function index(directory: Directory): Indexed {
	const entries = directory.providers.map((provider) => {
		const { name, aliases = [], location = '', fhirBaseUrl } = provider;
		const haystack = fold(` ${[name, ...aliases, location, new URL(fhirBaseUrl).host].join(' ')}`);
		return { provider, haystack };
	});
	entries.sort((a, b) => (a.haystack < b.haystack ? -1 : 1));
	return { ...directory, entries };
}

const ASCII = /^[\0-\x7f]*$/;

/** Case, accents and punctuation do not count when people search. */
function fold(text: string): string {
	// Most names need no table of letters, which takes ten times as long.
	if (ASCII.test(text)) return text.toLowerCase().replace(/[^a-z0-9]+/g, ' ');
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
	const { entries } = await directory(0);
	const words = fold(text).trim().split(' ').filter(Boolean);
	const beginnings = words.map((word) => ` ${word}`);
	/** By score; each by name, as the entries are. */
	const ranks: Provider[][] = [];
	let total = 0;
	search: for (const { provider, haystack } of entries) {
		let score = 0;
		for (let n = 0; n < words.length; n++) {
			const at = haystack.indexOf(beginnings[n]!);
			if (at >= 0) score += at === 0 ? 3 : 2;
			else if (haystack.includes(words[n]!)) score += 1;
			else continue search;
		}
		total++;
		ranks[score] ??= [];
		ranks[score]!.push(provider);
	}
	return { providers: ranks.reverse().flat().slice(0, limit).map(view), total };
}

function view({ id, name, location, fhirBaseUrl }: Provider): ProviderView {
	return { id, name, ...(location ? { location } : {}), host: new URL(fhirBaseUrl).host };
}

/** @throws {BrokerError} `provider_unknown` */
export async function getProvider(id: string): Promise<Provider> {
	const { providers } = await directory(PATIENCE_MS);
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
	const { providers } = await directory(PATIENCE_MS).catch(() => ({ providers: [] as Provider[] }));
	const here = providers.filter(({ fhirBaseUrl }) => isBase(fhirBaseUrl));
	return here.find(({ id }) => id === provider.id) ?? here.find(({ name }) => name === provider.name);
}
