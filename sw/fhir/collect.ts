import type { Capability } from './capability.js';
import { planQueries, planReferences } from './plan.js';
import { settleQuery } from './queries.js';
import { scheduleReferences } from './references.js';
import { allows, readScopes } from './scopes.js';
import { type CollectState, type Query, STATE_VERSION, type Work } from './state.js';
import type { Outcome, Task } from './task.js';
import { DEFAULT_COUNT, FHIR_JSON, type VendorFhir } from './vendors.js';
import { settleWork } from './work.js';

export interface CollectInput {
	fhirBaseUrl: string;
	patientId: string;
	/** As granted, space separated; may be empty, of SMART v1 or of v2. */
	scope: string;
	/** Null where it could not be read: US Core's searches are assumed. */
	capability: Capability | null;
	vendor: VendorFhir;
	/** Resource types to keep to; absent or empty for all. */
	wants?: readonly string[];
}

/** @throws {TypeError} where `fhirBaseUrl` is no URL: it was checked when the connection was made. */
export function startCollect(input: CollectInput): CollectState {
	const { patientId, scope, capability, vendor, wants = [] } = input;
	const grant = readScopes(scope);
	const plan = { patientId, grant, capability, vendor, wants };
	const state: CollectState = {
		v: STATE_VERSION,
		base: new URL(input.fhirBaseUrl).href.replace(/[?#].*$/, '').replace(/\/+$/, ''),
		patientId,
		accept: vendor.accept ?? FHIR_JSON,
		count: vendor.count ?? DEFAULT_COUNT,
		queries: planQueries(plan),
		fetchable: planReferences(plan),
		binaries: allows(grant, 'read', 'Binary') && (!capability || (capability.resources.Binary?.read ?? true)),
		phase: 'searches',
		wanted: {},
		followed: 0,
		work: {},
		nextWork: 0,
		seen: [],
		delivered: {},
		bytes: 0,
		references: {},
		documents: { count: 0, missing: {} },
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
	for (const document of [false, true]) {
		for (const id in state.work) {
			if (tasks.length >= limit) return tasks;
			const work = state.work[id];
			if (work && (work.kind === 'document') === document) offer(workTask(state, id, work));
		}
	}
	return tasks;
}

/**
 * Takes in what came of a task; changes `state`. The lines (without line ends) and the changed state belong together:
 * store both or neither. A task that is not open any more, as after a stop between the two, changes nothing.
 */
export function settle(state: CollectState, task: Task, outcome: Outcome): { lines: string[] } {
	const lines: string[] = [];
	const query = state.queries.find((one) => queryTask(state, one)?.id === task.id);
	if (query) settleQuery(state, query, task, outcome, lines);
	else {
		const id = task.id.split('@')[0] ?? '';
		const work = state.work[id];
		if (!work || workTask(state, id, work).id !== task.id) return { lines };
		settleWork(state, id, work, task, outcome, lines);
	}
	advance(state);
	return { lines };
}

export function isDone(state: CollectState): boolean {
	for (const _ in state.work) return false;
	return state.phase === 'over';
}

/** A task's id names the page too, so that an answer is never taken for another page's. */
function queryTask(state: CollectState, query: Query): Task | null {
	const { id, type, state: at } = query;
	const kind = query.query.includes('?') ? ('search' as const) : ('read' as const);
	const of = { kind, type, accept: state.accept };
	if (at.is === 'paging') return { id: `${id}@${at.page}`, url: at.next, ...of };
	if (at.is !== 'waiting') return null;
	const url = `${state.base}/${query.query}`;
	return { id: `${id}@0`, url: kind === 'search' ? `${url}&_count=${state.count}` : url, ...of };
}

function workTask(state: CollectState, id: string, work: Work): Task {
	if (work.kind === 'document') {
		return {
			id: `${id}@${work.plain ? 1 : 0}`,
			kind: 'binary',
			type: 'Binary',
			url: /^https?:/.test(work.url) ? work.url : `${state.base}/${work.url}`,
			accept: work.plain || !work.contentType ? '*/*' : work.contentType,
		};
	}
	const { type } = work;
	const of = { type, accept: state.accept };
	if (work.kind === 'read') return { id: `${id}@0`, kind: 'read', url: `${state.base}/${type}/${work.id}`, ...of };
	const first = `${state.base}/${type}?_id=${work.ids.join(',')}&_count=${work.ids.length}`;
	return { id: `${id}@${work.paging?.page ?? 0}`, kind: 'search', url: work.paging?.next ?? first, ...of };
}

/** References are fetched once every search is settled, so that nothing is fetched that comes by itself. */
function advance(state: CollectState): void {
	const fetching = () => Object.values(state.work).some(({ kind }) => kind !== 'document');
	if (state.phase === 'searches') {
		if (state.queries.some(({ state: { is } }) => is === 'waiting' || is === 'paging')) return;
		scheduleReferences(state, 1);
		state.phase = 'references';
	}
	if (state.phase === 'references' && !fetching()) {
		scheduleReferences(state, 2);
		state.phase = 'further';
	}
	if (state.phase === 'further' && !fetching()) state.phase = 'over';
}
