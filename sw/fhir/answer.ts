import { wantDocuments } from './documents.js';
import { readFailure, readOutcome, readStatus } from './outcome.js';
import { type PageResult, parseObject, readPage, readResource, type Served } from './page.js';
import { keyOf } from './paging.js';
import { isForeign } from './patient.js';
import { wantReferences } from './references.js';
import { see } from './seen.js';
import type { CollectState } from './state.js';
import type { Outcome, Task } from './task.js';
import { sameOrigin } from './urls.js';

/** An outcome of a search or read, read: resources, or what came instead. `code` is an OperationOutcome's. */
export function readAnswer(state: CollectState, task: Task, outcome: Outcome): PageResult {
	if (outcome.kind === 'failed') return { ok: false, problem: readFailure(outcome.code) };
	if (!sameOrigin(outcome.url, task.url, state.base))
		return { ok: false, problem: { status: 'failed', reason: 'redirected' } };
	const text = outcome.text ?? new TextDecoder().decode(outcome.bytes ?? new Uint8Array());
	if (outcome.status < 200 || outcome.status > 299) {
		const problem = readStatus(outcome.status);
		const code = readOutcome(parseObject(text))?.code;
		return { ok: false, problem: code ? { ...problem, code } : problem };
	}
	if (task.kind === 'search') return readPage(text, outcome.url, state.base);
	const read = readResource(text);
	return read.ok ? { ok: true, resources: [read.served], problem: null, next: null, nextProblem: null } : read;
}

/**
 * Puts a resource into the stream, unless it is another patient's or there already.
 * @param follow whether what it refers to is to be fetched too
 */
export function deliver(
	state: CollectState,
	served: Served,
	lines: string[],
	follow: boolean,
): 'delivered' | 'known' | 'foreign' {
	if (isForeign(served.resource, state.patientId, state.base)) return 'foreign';
	if (!see(state, keyOf(served))) return 'known';
	addLine(state, served.resource.resourceType, served.line, lines);
	if (follow) {
		wantReferences(state, served.resource);
		wantDocuments(state, served.resource);
	}
	return 'delivered';
}

export function addLine(state: CollectState, type: string, line: string, lines: string[]): void {
	lines.push(line);
	state.delivered[type] = (state.delivered[type] ?? 0) + 1;
	state.bytes += octets(line) + 1;
}

/** Octets of UTF-8, without encoding: a lone surrogate counts as the three octets of U+FFFD. */
export function octets(text: string): number {
	let count = text.length;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit < 0x80) continue;
		if (unit < 0x800) count += 1;
		else {
			count += 2;
			const pair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
			// Two units, four octets.
			if (pair) i++;
		}
	}
	return count;
}
