import type { Json } from './outcome.js';
import { referencedTypes } from './searches.js';
import { see, wasSeen } from './seen.js';
import { type CollectState, typeOf, type Work } from './state.js';
import { parseReference } from './urls.js';

/** Bounds of `Type?_id=a,b,c`: ids, and characters of the list. */
const BATCH_IDS = 50;
const BATCH_CHARACTERS = 1500;

/** The most references that one record can make us follow: a single hostile resource may hold millions. */
export const MAX_REFERENCES = 20_000;

/** Every literal reference in a resource, contained resources included. Not recursive: depth is the server's choice. */
export function references(resource: Json): string[] {
	const found: string[] = [];
	const stack: object[] = [resource];
	for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
		if (Array.isArray(value)) {
			for (const one of value) if (typeof one === 'object' && one !== null) stack.push(one);
			continue;
		}
		const members = value as Json;
		for (const name in members) {
			const one = members[name];
			if (typeof one === 'object' && one !== null) stack.push(one);
			else if (name === 'reference' && typeof one === 'string') found.push(one);
		}
	}
	return found;
}

/** Notes what a delivered resource refers to and may be fetched, once over the whole run. */
export function wantReferences(state: CollectState, resource: Json): void {
	for (const reference of references(resource)) {
		// Most references lead to what is searched for: not worth more than a look, unless they begin with `https:`.
		const start = reference.slice(0, reference.indexOf('/'));
		if (!start.endsWith(':') && !state.fetchable[start]) continue;
		const to = parseReference(reference, state.base);
		if (!to || !state.fetchable[to.type]) continue;
		const key = `${to.type}/${to.id}`;
		if (wasSeen(state, key) || wasSeen(state, `wanted ${key}`)) continue;
		// Above the bound nothing is remembered, so that one that is named twice counts twice.
		if (++state.followed > MAX_REFERENCES) continue;
		see(state, `wanted ${key}`);
		typeOf(state, to.type).known++;
		const ids = state.wanted[to.type] ?? [];
		ids.push(to.id);
		state.wanted[to.type] = ids;
	}
}

/** Turns what is wanted, and has not come by itself meanwhile, into work. */
export function scheduleReferences(state: CollectState, level: 1 | 2): void {
	for (const type of referencedTypes) {
		// Sorted, so that the requests do not depend on the order in which answers came.
		const ids = (state.wanted[type] ?? []).filter((id) => !wasSeen(state, `${type}/${id}`)).sort();
		if (state.fetchable[type] === 'batch') {
			for (const some of batches(ids)) addWork(state, { kind: 'batch', type, ids: some, level, paging: null });
		} else for (const id of ids) addWork(state, { kind: 'read', type, id, level });
	}
	state.wanted = {};
}

export function addWork(state: CollectState, work: Work): void {
	state.work.items.push(work);
}

/** Ids in lists that fit one URL. */
export function batches(ids: readonly string[], characters = BATCH_CHARACTERS, most = BATCH_IDS): string[][] {
	const all: string[][] = [];
	let last: string[] = [];
	let length = 0;
	for (const id of ids) {
		if (last.length === 0 || last.length >= most || length + id.length + 1 > characters) {
			last = [];
			length = 0;
			all.push(last);
		}
		last.push(id);
		length += id.length + 1;
	}
	return all;
}
