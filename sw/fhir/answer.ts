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
		? { ok: true, resources: [read.served], problem: null, self: null, next: null, nextProblem: null }
		: read;
}

/**
 * Puts a resource into the stream, unless it is another patient's or there already.
 * @param follow whether what it refers to is to be fetched too
 */
export function deliver(
	state: CollectState,
	served: Served,
	lines: Line[],
	follow: boolean,
): 'delivered' | 'known' | 'foreign' {
	if (isForeign(served.resource, state.patientId, state.base)) return 'foreign';
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
