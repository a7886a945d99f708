/**
 * Reading only what changed (FHIR R4, search: `_lastUpdated`). A server that ignores the parameter, or answers nothing
 * to it, must not pass for one without changes: it is asked this way only where it proved that it knows how, and at the
 * first doubt that type is read fully instead, in the same run.
 */
import { isObject, type Json } from './outcome.js';
import type { Page, PageResult } from './page.js';
import { parameter } from './plan.js';
import { addWork } from './references.js';
import { type CollectState, type Probe, type Query, typeOf } from './state.js';

/** FHIR R4, datatype `instant`. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
/** Servers that keep whole seconds may answer with what is up to one older than what was asked for. */
const SLACK_MS = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Enough to tell whether anything older comes. */
const PROBE_COUNT = 10;

export function isInstant(value: unknown): value is string {
	return typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value));
}

function updatedAt({ meta }: Json): string | null {
	return isObject(meta) && isInstant(meta.lastUpdated) ? meta.lastUpdated : null;
}

/** Whether `a` is later than `b`; of one millisecond, by what is written of smaller parts. */
function isLater(a: string, b: string): boolean {
	if (a.length === b.length && a.endsWith('Z') && b.endsWith('Z')) return a > b;
	const difference = Date.parse(a) - Date.parse(b);
	return difference > 0 || (difference === 0 && a > b);
}

/** Notes when a resource that a search brought was last changed. */
export function noteUpdate(state: CollectState, resource: Json & { resourceType: string }): void {
	const of = typeOf(state, resource.resourceType);
	const at = updatedAt(resource);
	if (at === null) {
		of.undated = true;
		return;
	}
	if (of.latest === null || isLater(at, of.latest)) of.latest = at;
	if (of.oldest === null || isLater(of.oldest, at)) of.oldest = at;
}

/** The parameter, with `&`, for a search of a type of which only changes are read; else empty. */
export function changesOnly(state: CollectState, type: string): string {
	const since = state.since[type];
	return since === undefined ? '' : `&${updated(state, type, `gt${since}`)}`;
}

/** After every change that there will be, for servers that want an end. */
const FAR = '2999-12-31T00:00:00Z';

/** @param after a prefix and an instant */
function updated({ closedRanges }: CollectState, type: string, after: string): string {
	const from = parameter('_lastUpdated', after);
	return closedRanges?.includes(type) ? `${from}&${parameter('_lastUpdated', `lt${FAR}`)}` : from;
}

/** Whether an answer to a search for changes shows that it is not one. */
export function isDoubtful(state: CollectState, { type }: Query, page: Page, first: boolean): boolean {
	const since = state.since[type];
	if (since === undefined) return false;
	if (page.problem || (first && (page.unsure || isDropped(page)))) return true;
	const earliest = Date.parse(since) - SLACK_MS;
	return page.resources.some(({ resource }) => {
		if (resource.resourceType !== type) return false;
		const at = updatedAt(resource);
		return at === null || Date.parse(at) < earliest;
	});
}

/** The server says what it understood of the search (Bundle.link `self`), and the parameter is not in it. */
function isDropped({ self }: Page): boolean {
	return self !== null && !self.includes('_lastUpdated');
}

/** Everything of `type` is asked for, as if nothing had been. What came already is not delivered again. */
export function readFully(state: CollectState, type: string): void {
	delete state.since[type];
	const fanned = new Map<string, Query['state']>();
	for (const { id, type: its, state: at } of state.queries) if (its === type) fanned.set(id, at);
	state.queries = state.queries.filter(({ type: its, parent, fan }) => {
		if (its !== type || parent === undefined) return true;
		const at = fanned.get(parent);
		// Pieces that stand for a refused search were perhaps only refused for the parameter's sake.
		return at?.is === 'fanned' && at.refusal === null && at.fan === fan;
	});
	for (const query of state.queries) {
		if (query.type !== type || (query.state.is === 'fanned' && query.state.refusal === null)) continue;
		startAgain(query);
	}
	Object.assign(typeOf(state, type), { oldest: null, latest: null, undated: false, proof: false });
}

/** As if it had not been asked. What it took, and how many a page it asks for, stays. */
export function startAgain(query: Query): void {
	query.state = { is: 'waiting' };
	query.count = 0;
	query.foreign = 0;
	delete query.problem;
	delete query.unsure;
}

/**
 * Asks for a proof, of every type for which it is worth it: those that took more than one page. Nothing may be later than
 * the latest that was seen, and something must be later than before the oldest.
 */
export function scheduleProbes(state: CollectState): void {
	if (!state.prove) return;
	const types = new Set(state.queries.filter(({ pages }) => pages > 1).map(({ type }) => type));
	for (const type of types) {
		const { latest, undated, proof } = typeOf(state, type);
		const query = state.queries.find((one) => one.type === type && one.state.is === 'answered' && one.count > 0);
		if (latest === null || undated || proof === false || !query?.query.includes('?') || type in state.since) continue;
		addWork(state, { kind: 'probe', type, query: query.query, after: latest });
	}
}

export function probeQuery(state: CollectState, { type, query, after, before }: Probe): string {
	const [prefix, at, count] = before === undefined ? ['gt', after, PROBE_COUNT] : ['ge', before, 1];
	return `${query}&${updated(state, type, `${prefix}${at}`)}&_count=${count}`;
}

/** Whether the probe is over. */
export function settleProbe(state: CollectState, probe: Probe, answer: PageResult): boolean {
	const of = typeOf(state, probe.type);
	of.proof = false;
	if (!answer.ok || answer.problem || answer.unsure || isDropped(answer)) return true;
	const found = answer.resources.filter(({ resource }) => resource.resourceType === probe.type);
	if (probe.before !== undefined) {
		of.proof = found.length > 0;
		return true;
	}
	const after = Date.parse(probe.after);
	const nothingElse = found.every(({ resource }) => Date.parse(updatedAt(resource) ?? '') > after);
	if (!nothingElse || (found.length === 0 && answer.next !== null) || of.oldest === null) return true;
	probe.before = new Date(Date.parse(of.oldest) - DAY_MS).toISOString();
	return false;
}
