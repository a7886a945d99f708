import { deliver, readAnswer } from './answer.js';
import { isDoubtful, noteUpdate, readFully, startAgain } from './changes.js';
import type { Line } from './line.js';
import type { Page, Served } from './page.js';
import { isProblem, turnPage } from './paging.js';
import { isForeign } from './patient.js';
import { fanOut } from './plan.js';
import type { CollectState, Problem, Query } from './state.js';
import type { Outcome, Task } from './task.js';

/** Takes in an answer to a query of the plan. */
export function settleQuery(state: CollectState, query: Query, task: Task, outcome: Outcome, lines: Line[]): void {
	const paging = query.state.is === 'paging' ? query.state : null;
	const answer = readAnswer(state, task, outcome);
	if (outcome.kind === 'response') query.pages++;
	query.ms += outcome.ms;
	if (answer.ok && isDoubtful(state, query, answer, !paging)) {
		readFully(state, query.type);
		return;
	}
	if (!answer.ok) {
		if (answer.problem.reason === 'too_large' && askForFewer(state, query)) return;
		if (!paging && asksForLess(answer.problem) && fan(state, query, 0, answer.problem)) return;
		finish(state, query, answer.problem);
		return;
	}
	if (!paging && answer.unsure) query.unsure = true;
	const turned = turnPage(paging, answer, task.url);
	// Of what came before, nothing counts twice.
	const repeated = isProblem(turned) && turned.reason === 'page_repeated';
	const resources = repeated ? [] : asAsked(state, query, answer);
	for (const served of resources) {
		const became = deliver(state, served, lines, false, true);
		if (became === 'foreign') query.foreign++;
		else if (served.resource.resourceType === query.type) {
			query.count++;
			noteUpdate(state, served.resource);
		}
	}
	if (answer.problem) {
		const nothing = query.count === 0 && query.foreign === 0;
		if (nothing && !paging && asksForLess(answer.problem) && fan(state, query, 0, answer.problem)) return;
		query.problem ??= bare(answer.problem);
	}
	if (turned && !isProblem(turned)) query.state = { is: 'paging', ...turned };
	else finish(state, query, turned ?? query.problem ?? null);
}

/**
 * What of an answer is taken. A server that reads something else than what it was asked for did not answer, nor did one that
 * finds nothing of the type but other things: that is no empty answer.
 */
function asAsked(state: CollectState, query: Query, { resources }: Page): Served[] {
	const { type, count, foreign } = query;
	const isOf = ({ resource }: Served) => resource.resourceType === type;
	if (count + foreign > 0 || resources.length === 0 || resources.some(isOf)) return resources;
	query.problem ??= { status: 'failed', reason: 'not_as_asked' };
	if (!query.query.includes('?')) return [];
	return resources.filter(({ resource }) => !isForeign(resource, state.patientId, state.base));
}

/** Begins again with a tenth of the resources a page, down to one: a later page cannot be asked for with fewer. */
function askForFewer(state: CollectState, query: Query): boolean {
	const most = query.most ?? state.count;
	if (most <= 1 || !query.query.includes('?')) return false;
	query.most = Math.ceil(most / 10);
	startAgain(query);
	return true;
}

/**
 * Whether a refusal may be about how much or how broadly was asked: then the query is worth asking in pieces.
 * Some servers send the OperationOutcome of code `required` with a 500.
 */
function asksForLess({ reason, code }: Problem & { code?: string }): boolean {
	return (
		['http_400', 'http_403', 'http_404', 'http_405', 'http_413', 'http_422'].includes(reason) ||
		code === 'required' ||
		code === 'too-costly'
	);
}

/** Asks in pieces, if there is a way left. */
function fan(state: CollectState, query: Query, index: number, refusal: Problem | null): boolean {
	if (!query.fans?.[index]) return false;
	// What looked for the rest before is not asked again.
	const pieces = fanOut(query, index).filter(({ id }) => !state.queries.some((one) => one.id === id));
	query.state = { is: 'fanned', fan: index, refusal: refusal && bare(refusal) };
	const after = state.queries.findLastIndex((one) => one === query || one.parent === query.id);
	state.queries.splice(after + 1, 0, ...pieces);
	return true;
}

function finish(state: CollectState, query: Query, problem: Problem | null): void {
	const unknown = query.optional && problem?.status === 'refused';
	if (problem && query.type in state.since && !unknown) {
		readFully(state, query.type);
		return;
	}
	query.state = problem ? { is: 'unanswered', ...bare(problem) } : { is: 'answered' };
	const parent = query.parent === undefined ? undefined : state.queries.find(({ id }) => id === query.parent);
	if (parent?.state.is !== 'fanned') return;
	const { fan: index, refusal } = parent.state;
	// The next way only where this one was refused throughout: after an outage it would be no better.
	const pieces = piecesOf(state, parent).filter(({ rest }) => !rest);
	const refused = pieces.every(
		({ state: at, count }) => at.is === 'unanswered' && at.status === 'refused' && count === 0,
	);
	// What the next way answers, this one need not have.
	if (refused && fan(state, parent, index + 1, refusal)) for (const piece of pieces) piece.optional = true;
}

/** The queries that stand for one that is asked in pieces. */
export function piecesOf(state: CollectState, parent: Query): Query[] {
	const { state: at } = parent;
	return at.is === 'fanned' ? state.queries.filter((one) => one.parent === parent.id && one.fan === at.fan) : [];
}

function bare({ status, reason }: Problem): Problem {
	return { status, reason };
}
