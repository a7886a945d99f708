import { wantDocuments } from './documents.js';
import { decode, type Line } from './line.js';
import { readFailure, readOutcome, readStatus } from './outcome.js';
import { type PageResult, parseObject, readPage, readResource, type Served } from './page.js';
import { keyOf } from './paging.js';
import { isForeign } from './patient.js';
import { wantReferences } from './references.js';
import { see } from './seen.js';
import { type CollectState, typeOf } from './state.js';
import type { Outcome, Task } from './task.js';
import { sameOrigin } from './urls.js';

/** An outcome of a search or read, read: resources, or what came instead. `code` is an OperationOutcome's. */
export function readAnswer(state: CollectState, task: Task, outcome: Outcome): PageResult {
	if (outcome.kind === 'failed') return { ok: false, problem: readFailure(outcome.code) };
	if (!sameOrigin(outcome.url, task.url, state.base))
		return { ok: false, problem: { status: 'failed', reason: 'redirected' } };
	if (outcome.status < 200 || outcome.status > 299) {
		const problem = readStatus(outcome.status);
		const code = readOutcome(parseObject(decode(outcome.bytes).text))?.code;
		return { ok: false, problem: code ? { ...problem, code } : problem };
	}
	if (task.kind === 'search') return readPage(outcome.bytes, outcome.url, state.base);
	const read = readResource(outcome.bytes);
	return read.ok
		? { ok: true, resources: [read.served], problem: null, self: null, next: null, nextProblem: null, unsure: false }
		: read;
}

/**
 * The most types that a server may make up: each becomes a stream, and rows on the disk. FHIR R4 has 148; those of the plan,
 * some 60, are always taken. An agent takes 250.
 */
const MAX_TYPES = 180;

/**
 * Puts a resource into the stream, unless it is another patient's, there already, or not what is wanted: a server may add
 * what nobody asked for.
 * @param asked whether this resource, by its id, is what was asked for
 * @param follow whether what it refers to is to be fetched too
 */
export function deliver(
	state: CollectState,
	served: Served,
	lines: Line[],
	asked: boolean,
	follow: boolean,
): 'delivered' | 'known' | 'foreign' | 'unwanted' {
	if (isForeign(served.resource, state.patientId, state.base)) return 'foreign';
	if (!asked && state.whole && !state.whole.includes(served.resource.resourceType)) return 'unwanted';
	if (!Object.hasOwn(state.types, served.resource.resourceType) && Object.keys(state.types).length >= MAX_TYPES) {
		state.excess++;
		return 'unwanted';
	}
	if (!see(state, keyOf(served))) return 'known';
	const { resourceType: type, id } = served.resource;
	addLine(state, { type, id: typeof id === 'string' ? id : null, octets: served.octets }, lines);
	if (follow) {
		wantReferences(state, served.resource);
		wantDocuments(state, served.resource);
	}
	return 'delivered';
}

export function addLine(state: CollectState, line: Line, lines: Line[]): void {
	lines.push(line);
	const of = typeOf(state, line.type);
	of.count++;
	of.bytes += line.octets.length + 1;
}
