import type { Capability } from './capability.js';
import { changesOnly, isInstant, probeQuery, scheduleProbes } from './changes.js';
import type { Line } from './line.js';
import { planQueries, planReferences, unasked, unknown } from './plan.js';
import { settleQuery } from './queries.js';
import { emptyQueue, itemOf, removeItem } from './queue.js';
import { scheduleReferences } from './references.js';
import { allows, readScopes } from './scopes.js';
import { type CollectState, emptyTally, type Query, STATE_VERSION, typeOf } from './state.js';
import type { Outcome, Task } from './task.js';
import { acceptOf, DEFAULT_COUNT, type VendorFhir } from './vendors.js';
import { unreached, wholeTypes } from './wanted.js';
import { settleDocument, settleWork } from './work.js';

export interface CollectInput {
	fhirBaseUrl: string;
	patientId: string;
	/** As granted, space separated; may be empty, of SMART v1 or of v2. */
	scope: string;
	/** Null where it could not be read: US Core's searches are assumed, and `unread` is told, a code as in `Problem`. */
	capability: Capability | null;
	unread?: string | undefined;
	vendor: VendorFhir;
	/** Resource types to keep to; absent or empty for all. */
	wants?: readonly string[];
	/** By type, an instant of the server's clock: only what changed after it is read, where the server can tell. */
	since?: Record<string, string>;
	/** How many there were in an earlier reading, by type. */
	expected?: Record<string, number>;
	/** Whether to find out of which types changes can be asked for: some more requests. */
	prove?: boolean;
}

/** @throws {TypeError} where `fhirBaseUrl` is no URL: it was checked when the connection was made. */
export function startCollect(input: CollectInput): CollectState {
	const { patientId, scope, capability, unread, vendor, wants = [], since = {}, expected = {}, prove = false } = input;
	const grant = readScopes(scope);
	const plan = { patientId, grant, capability, unread, vendor, wants };
	const whole = wholeTypes(wants);
	const state: CollectState = {
		v: STATE_VERSION,
		base: new URL(input.fhirBaseUrl).href.replace(/[?#].*$/, '').replace(/\/+$/, ''),
		patientId,
		accept: acceptOf(vendor, capability?.fhirVersion ?? null),
		count: vendor.count ?? DEFAULT_COUNT,
		queries: planQueries(plan),
		wants,
		whole: whole && [...whole],
		fetchable: planReferences(plan),
		binaries: allows(grant, 'read', 'Binary') && (!capability || (capability.resources.Binary?.read ?? true)),
		phase: 'searches',
		// The Patient is read, not searched for.
		since: Object.fromEntries(Object.entries(since).filter(([type, at]) => type !== 'Patient' && isInstant(at))),
		expected,
		prove,
		...(vendor.closedRanges && { closedRanges: vendor.closedRanges }),
		wanted: {},
		followed: 0,
		excess: 0,
		pointed: 0,
		unpointed: 0,
		work: emptyQueue(),
		toFetch: emptyQueue(),
		seen: [],
		types: {},
		references: {},
		documents: emptyTally(),
	};
	advance(state);
	return state;
}

/** Up to `limit` tasks that are not in flight. Records first, then what they refer to, then documents. */
export function nextTasks(state: CollectState, limit: number, inFlight: ReadonlySet<string>): Task[] {
	const tasks: Task[] = [];
	const offer = (task: Task | null) => {
		if (task && !inFlight.has(task.id) && tasks.length < limit) tasks.push(task);
	};
	for (const query of state.queries) offer(queryTask(state, query));
	for (let n = 0; n < state.work.items.length && tasks.length < limit; n++)
		offer(workTask(state, state.work.first + n));
	for (let n = 0; n < state.toFetch.items.length && tasks.length < limit; n++)
		offer(documentTask(state, state.toFetch.first + n));
	return tasks;
}

/**
 * Takes in what came of a task; changes `state`. The lines (without line ends) and the changed state belong together:
 * store both or neither. A task that is not open any more, as after a stop between the two, changes nothing.
 */
export function settle(state: CollectState, task: Task, outcome: Outcome): { lines: Line[] } {
	const lines: Line[] = [];
	const id = task.id.slice(0, task.id.lastIndexOf('@'));
	const query = state.queries.find((one) => one.id === id);
	const number = Number(id.slice(1));
	const open = query ? queryTask(state, query) : id[0] === 'd' ? documentTask(state, number) : workTask(state, number);
	if (open?.id !== task.id) return { lines };
	typeOf(state, task.type).ms += outcome.ms;
	try {
		take(state, id, task, outcome, lines);
	} catch {
		// An answer that nobody foresaw costs its own query, and nothing else of the record.
		take(state, id, task, { kind: 'failed', code: 'not_readable', ms: 0 }, lines);
	}
	advance(state);
	return { lines };
}

function take(state: CollectState, id: string, task: Task, outcome: Outcome, lines: Line[]): void {
	const query = state.queries.find((one) => one.id === id);
	const number = Number(id.slice(1));
	if (query) settleQuery(state, query, task, outcome, lines);
	else if (id[0] === 'd') {
		const document = itemOf(state.toFetch, number);
		if (document && settleDocument(state, document, task, outcome, lines)) removeItem(state.toFetch, number);
	} else {
		const work = itemOf(state.work, number);
		if (work && settleWork(state, work, task, outcome, lines)) removeItem(state.work, number);
	}
}

/** Nothing more is asked: what is still open could not be read (`left_out`). */
export function leaveOut(state: CollectState): void {
	for (const query of state.queries)
		if (query.state.is === 'waiting' || query.state.is === 'paging')
			query.state = { is: 'unanswered', status: 'failed', reason: 'left_out' };
	const open = state.work.items.flatMap((work) => (work && work.kind !== 'probe' ? [work.type] : []));
	if (state.toFetch.items.length > 0) open.push('Binary');
	for (const type of new Set(open)) state.queries.push(unknown(type, 'left_out'));
	state.work.items = [];
	state.toFetch.items = [];
	state.phase = 'over';
}

export function isDone(state: CollectState): boolean {
	return state.phase === 'over' && state.work.items.length === 0 && state.toFetch.items.length === 0;
}

/**
 * A task's id names the page too, how many resources it was asked to have and whether they are changes alone, so that an
 * answer is never taken for another question's.
 */
function queryTask(state: CollectState, query: Query): Task | null {
	const { id, type, most, state: at } = query;
	if (at.is !== 'paging' && at.is !== 'waiting') return null;
	const kind = query.query.includes('?') ? ('search' as const) : ('read' as const);
	const changes = kind === 'search' ? changesOnly(state, type) : '';
	const task = {
		id: `${id}@${changes && 'changes-'}${most === undefined ? '' : `${most}-`}${at.is === 'paging' ? at.page : 0}`,
		kind,
		type,
		accept: state.accept,
	};
	if (at.is === 'paging') return { ...task, url: at.next };
	const url = `${state.base}/${query.query}`;
	return { ...task, url: kind === 'search' ? `${url}${changes}&_count=${most ?? state.count}` : url };
}

function workTask(state: CollectState, number: number): Task | null {
	const work = itemOf(state.work, number);
	if (!work) return null;
	const { type } = work;
	const of = { type, accept: state.accept };
	const at = (rest: string) => `${state.base}/${rest}`;
	if (work.kind === 'read') return { id: `w${number}@0`, kind: 'read', url: at(`${type}/${work.id}`), ...of };
	if (work.kind === 'probe')
		return {
			id: `w${number}@${work.before === undefined ? 0 : 1}`,
			kind: 'search',
			url: at(probeQuery(state, work)),
			...of,
		};
	const first = at(`${type}?_id=${work.ids.join(',')}&_count=${work.ids.length}`);
	return { id: `w${number}@${work.paging?.page ?? 0}`, kind: 'search', url: work.paging?.next ?? first, ...of };
}

function documentTask(state: CollectState, number: number): Task | null {
	const document = itemOf(state.toFetch, number);
	if (!document) return null;
	const { url, contentType, plain } = document;
	return {
		id: `d${number}@${plain ? 1 : 0}`,
		kind: 'binary',
		type: 'Binary',
		url: /^https?:/.test(url) ? url : `${state.base}/${url}`,
		accept: plain || !contentType ? '*/*' : contentType,
	};
}

/** References are fetched once every search is settled, so that nothing is fetched that comes by itself. */
function advance(state: CollectState): void {
	if (state.phase === 'searches') {
		if (state.queries.some(({ state: { is } }) => is === 'waiting' || is === 'paging')) return;
		scheduleReferences(state, 1);
		scheduleProbes(state);
		state.phase = 'references';
	}
	if (state.phase === 'references' && state.work.items.length === 0) {
		scheduleReferences(state, 2);
		state.phase = 'further';
	}
	if (state.phase === 'further' && state.work.items.length === 0) {
		const led = (type: string) =>
			(state.types[type]?.count ?? 0) > 0 || type in state.references || (type === 'Binary' && state.pointed > 0);
		for (const type of unreached(state.wants, led)) state.queries.push(unasked(type, 'not_searched'));
		state.phase = 'over';
	}
}
