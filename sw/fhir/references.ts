import { isObject, type Json } from './outcome.js';
import { referencedTypes } from './searches.js';
import { see, wasSeen } from './seen.js';
import type { CollectState } from './state.js';
import { parseReference } from './urls.js';

/** Bounds of `Type?_id=a,b,c`: ids, and characters of the list. */
const BATCH_IDS = 50;
const BATCH_CHARACTERS = 1500;

/** The most references that one record can make us follow: a single hostile resource may hold millions. */
export const MAX_REFERENCES = 20_000;

/** Every literal reference in a resource, contained resources included. Not recursive: depth is the server's choice. */
export function* references(resource: Json): Generator<string> {
	const stack: unknown[] = [resource];
	while (stack.length > 0) {
		const value = stack.pop();
		if (Array.isArray(value)) {
			for (const one of value) stack.push(one);
		} else if (isObject(value)) {
			if (typeof value.reference === 'string') yield value.reference;
			for (const one of Object.values(value)) if (typeof one === 'object') stack.push(one);
		}
	}
}

/** Notes what a delivered resource refers to and may be fetched, once over the whole run. */
export function wantReferences(state: CollectState, resource: Json): void {
	for (const reference of references(resource)) {
		const to = parseReference(reference, state.base);
		if (!to || !state.fetchable[to.type]) continue;
		const key = `${to.type}/${to.id}`;
		if (wasSeen(state, key) || !see(state, `wanted ${key}`)) continue;
		if (++state.followed > MAX_REFERENCES) continue;
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

export function addWork(state: CollectState, work: CollectState['work'][string]): void {
	// Not a bare number: integer-like keys would not keep their order.
	state.work[`w${state.nextWork++}`] = work;
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
