import { addLine, deliver, readAnswer } from './answer.js';
import { settleProbe } from './changes.js';
import { documentLine, documentName, missDocument } from './documents.js';
import type { Line } from './line.js';
import { readFailure, readStatus } from './outcome.js';
import { isProblem, turnPage } from './paging.js';
import { isForeign } from './patient.js';
import { addWork } from './references.js';
import { see, wasSeen } from './seen.js';
import {
	addMissing,
	type CollectState,
	type Document,
	emptyTally,
	type Problem,
	type Tally,
	type Work,
} from './state.js';
import type { Outcome, Task } from './task.js';
import { sameOrigin } from './urls.js';

type Of<K extends Work['kind']> = Extract<Work, { kind: K }>;

/** Takes in an answer to work that the record brought up; whether the work is done. */
export function settleWork(state: CollectState, work: Work, task: Task, outcome: Outcome, lines: Line[]): boolean {
	if (work.kind === 'probe') return settleProbe(state, work, readAnswer(state, task, outcome));
	took(tally(state, work.type), outcome);
	if (work.kind === 'read') return settleRead(state, work, task, outcome, lines);
	return settleBatch(state, work, task, outcome, lines);
}

function took(of: Tally, outcome: Outcome): void {
	if (outcome.kind === 'response') of.pages++;
	of.ms += outcome.ms;
}

/** Takes only what was asked for: a server that does not know `_id` answers with everything that it has. */
function settleBatch(state: CollectState, work: Of<'batch'>, task: Task, outcome: Outcome, lines: Line[]): boolean {
	const { type, level } = work;
	const answer = readAnswer(state, task, outcome);
	const missing = () => work.ids.filter((id) => !wasSeen(state, `${type}/${id}`));
	if (answer.ok) {
		const asked = answer.resources.filter(
			({ resource }) =>
				resource.resourceType === type && typeof resource.id === 'string' && work.ids.includes(resource.id),
		);
		for (const served of asked) deliver(state, served, lines, true, level === 1);
		const turned = asked.length > 0 && missing().length > 0 ? turnPage(work.paging, answer, task.url) : null;
		if (turned && !isProblem(turned)) {
			work.paging = turned;
			return false;
		}
	}
	const left = missing();
	tally(state, type).count += work.ids.length - left.length;
	for (const id of left) {
		// One by one is worth a try after an answer, also one that is too large; not after silence, throttling or a lost token.
		if (answer.ok || singly(outcome)) addWork(state, { kind: 'read', type, id, level });
		else miss(state, type, id, answer.problem);
	}
	return true;
}

function singly(outcome: Outcome): boolean {
	if (outcome.kind === 'failed') return outcome.code === 'too_large';
	return ![401, 429, 503].includes(outcome.status);
}

function settleRead(state: CollectState, work: Of<'read'>, task: Task, outcome: Outcome, lines: Line[]): boolean {
	const { type, id, level } = work;
	const answer = readAnswer(state, task, outcome);
	const served = answer.ok ? answer.resources[0] : undefined;
	if (!answer.ok) miss(state, type, id, answer.problem);
	else if (!served || served.resource.resourceType !== type || served.resource.id !== id)
		miss(state, type, id, { status: 'failed', reason: 'not_as_asked' });
	else if (deliver(state, served, lines, true, level === 1) === 'foreign')
		miss(state, type, id, { status: 'failed', reason: 'other_patient' });
	else tally(state, type).count++;
	return true;
}

/** Takes in an answer to a document; whether it is done. */
export function settleDocument(
	state: CollectState,
	work: Document,
	task: Task,
	outcome: Outcome,
	lines: Line[],
): boolean {
	const name = documentName(task.url);
	took(state.documents, outcome);
	const fail = (problem: Problem) => {
		missDocument(state, name, problem);
		return true;
	};
	if (outcome.kind === 'failed') return fail(readFailure(outcome.code));
	if (!sameOrigin(outcome.url, task.url, state.base)) return fail({ status: 'failed', reason: 'redirected' });
	const { status } = outcome;
	if (!work.plain && work.contentType && (status === 400 || status === 406 || status === 415)) {
		work.plain = true;
		return false;
	}
	if (status < 200 || status > 299) return fail(readStatus(status));
	const { bytes } = outcome;
	if (bytes.length === 0) return fail({ status: 'failed', reason: 'no_content' });
	const read = documentLine(bytes, outcome.contentType, work.contentType, task.url);
	if (!read.ok) return fail(read.problem);
	if (read.binary && isForeign(read.binary, state.patientId, state.base))
		return fail({ status: 'failed', reason: 'other_patient' });
	state.documents.count++;
	if (see(state, `Binary/${read.id}`)) addLine(state, { type: 'Binary', id: read.id, octets: read.octets }, lines);
	return true;
}

function tally(state: CollectState, type: string): Tally {
	const found = state.references[type] ?? emptyTally();
	state.references[type] = found;
	return found;
}

function miss(state: CollectState, type: string, id: string, problem: Problem): void {
	addMissing(tally(state, type), id, problem);
}
