import { decode } from './line.js';
import { isObject, type Json, list, readOutcome } from './outcome.js';
import { oneLine, resourceSpans, trim } from './spans.js';
import type { Problem } from './state.js';
import { sameOrigin } from './urls.js';

/** One resource, and its JSON as served, on one line. */
export interface Served {
	resource: Json & { resourceType: string };
	octets: Uint8Array;
}

export interface Page {
	resources: Served[];
	/** What an OperationOutcome among the entries holds against the query, or what contradicts that this is all there is. */
	problem: (Problem & { code?: string }) | null;
	/** What the server says that it answered (`Bundle.link`, `self`). */
	self: string | null;
	/** Absolute, of the FHIR base's origin. */
	next: string | null;
	/** Why there is more that cannot be followed. */
	nextProblem: 'next_other_origin' | 'next_invalid' | null;
	/** Whether the server counts matches, although it shows none and links to none. */
	unsure: boolean;
}

export type PageResult = ({ ok: true } & Page) | { ok: false; problem: Problem & { code?: string } };

/** A parsed JSON object, or null. */
export function parseObject(text: string): Json | null {
	try {
		const json: unknown = JSON.parse(text);
		return isObject(json) ? json : null;
	} catch {
		return null;
	}
}

/** Not resources of a record: they could hold anybody's. */
const WRAPPERS = new Set(['Bundle', 'Parameters']);

/** FHIR R4, BundleType: what some servers call a searchset. */
const SETS: readonly unknown[] = [undefined, null, 'searchset', 'collection'];

/**
 * Reads a searchset (FHIR R4, RESTful API, search). What contradicts it is a problem of the page, and costs nothing else of
 * it. `total` is not believed: servers put page sizes and guesses there.
 * @param url where the page came from, against which a relative `next` resolves
 */
export function readPage(bytes: Uint8Array, url: string, base: string): PageResult {
	const { text, octets } = decode(bytes);
	const json = parseObject(text);
	if (!json) return { ok: false, problem: { status: 'failed', reason: 'not_json' } };
	if (json.resourceType !== 'Bundle')
		return { ok: false, problem: readOutcome(json) ?? { status: 'failed', reason: 'not_a_bundle' } };

	const page: Page = { resources: [], problem: null, self: null, next: null, nextProblem: null, unsure: false };
	const contradict = (reason: string) => {
		page.problem ??= { status: 'failed', reason };
	};
	if (!SETS.includes(json.type)) contradict('not_a_searchset');
	if (!isListOrNone(json.entry)) contradict('entry_invalid');
	const spans = resourceSpans(octets);
	// Raw line ends cannot stand inside a JSON string.
	const asServed = !text.includes('\n') && !text.includes('\r');
	list(json.entry).forEach((entry, i) => {
		const span = spans[i];
		const resource = isObject(entry) ? entry.resource : undefined;
		if (!span || !isResource(resource) || WRAPPERS.has(resource.resourceType)) contradict('entry_invalid');
		else if (resource.resourceType === 'OperationOutcome') page.problem ??= readOutcome(resource);
		else {
			const own = octets.subarray(span[0], span[1]);
			page.resources.push({ resource, octets: asServed ? own : oneLine(own) });
		}
	});

	page.self = urlOf(linkOf(json, 'self'));
	const next = linkOf(json, 'next');
	if (next || !isListOrNone(json.link)) {
		const to = urlOf(next);
		page.next = to && sameOrigin(to, url, base);
		if (!page.next) page.nextProblem = to ? 'next_other_origin' : 'next_invalid';
	}
	page.unsure = list(json.entry).length === 0 && !next && typeof json.total === 'number' && json.total > 0;
	return { ok: true, ...page };
}

function isListOrNone(value: unknown): boolean {
	return value === undefined || value === null || Array.isArray(value);
}

function linkOf(bundle: Json, relation: string): Json | undefined {
	return list(bundle.link)
		.filter(isObject)
		.find((one) => one.relation === relation);
}

function urlOf(link: Json | undefined): string | null {
	return typeof link?.url === 'string' && link.url !== '' ? link.url : null;
}

/** Reads the answer to `[base]/Type/id`. */
export function readResource(bytes: Uint8Array): { ok: true; served: Served } | { ok: false; problem: Problem } {
	const { text, octets } = decode(bytes);
	const json = parseObject(text);
	if (!json) return { ok: false, problem: { status: 'failed', reason: 'not_json' } };
	const problem = readOutcome(json);
	if (problem) return { ok: false, problem };
	if (!isResource(json) || json.resourceType === 'OperationOutcome' || WRAPPERS.has(json.resourceType))
		return { ok: false, problem: { status: 'failed', reason: 'not_a_resource' } };
	return { ok: true, served: { resource: json, octets: oneLine(trim(octets)) } };
}

function isResource(value: unknown): value is Json & { resourceType: string } {
	return isObject(value) && typeof value.resourceType === 'string' && /^[A-Z][A-Za-z]{1,63}$/.test(value.resourceType);
}
