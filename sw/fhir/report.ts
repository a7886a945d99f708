import type { QueryReport } from '../../relay/contract.js';
import type { KindProgress } from '../contract.js';
import { piecesOf } from './queries.js';
import { batches, MAX_REFERENCES } from './references.js';
import { referencedTypes } from './searches.js';
import type { CollectState, Query, Tally } from './state.js';

/** The bound of `QueryReport.query`, with room for the type and parameter. */
const NAMES_CHARACTERS = 1800;

/**
 * What became of every query that was asked, for the manifest. `count` is what the query brought, so that overlapping
 * queries add up to more than the stream has.
 *
 * A query that was refused and answered in pieces is its pieces; where no piece was answered, it is itself. Resources
 * of another patient are a report of their own (`failed`, `other_patient`, how many were set aside). What the record
 * refers to is one report a type (`Practitioner`), and one for each reason why some are missing (`Practitioner?_id=…`,
 * count 0); documents likewise (`Binary`).
 */
export function report(state: CollectState): QueryReport[] {
	return [
		...state.queries.filter(({ parent }) => parent === undefined).flatMap((query) => reportQuery(state, query)),
		...referencedTypes.flatMap((type) => reportTally(type, state.references[type])),
		...reportTally('Binary', state.documents),
		...reportExcess(state.followed - MAX_REFERENCES),
	];
}

/** References that were too many to follow, in no type's name. */
function reportExcess(count: number): QueryReport[] {
	return count > 0 ? [{ query: 'references', status: 'failed', count, reason: 'too_many' }] : [];
}

function reportQuery(state: CollectState, query: Query): QueryReport[] {
	const { query: asked, state: at, count, foreign } = query;
	const reports: QueryReport[] = [];
	if (at.is === 'fanned') {
		const pieces = piecesOf(state, query);
		const open = pieces.some(({ state: { is } }) => is === 'waiting' || is === 'paging');
		const whole = at.refusal && !open && !pieces.some(wasAnswered) ? at.refusal : null;
		if (whole) reports.push({ query: asked, count: 0, ...whole });
		for (const piece of pieces) {
			const said = piece.state.is === 'unanswered' && piece.state.status === 'refused';
			if (!(whole && said)) reports.push(...reportQuery(state, piece));
		}
		return reports;
	}
	if (at.is === 'unanswered') reports.push({ query: asked, status: at.status, count, reason: at.reason });
	else if (at.is === 'answered' && (count > 0 || foreign === 0))
		reports.push({ query: asked, status: count > 0 ? 'ok' : 'empty', count });
	if (foreign > 0) reports.push({ query: asked, status: 'failed', count: foreign, reason: 'other_patient' });
	return reports;
}

/** Whether anything of this patient, or the certainty that there is nothing, came of it. */
function wasAnswered({ state: at, count, foreign }: Query): boolean {
	return count > 0 || (at.is === 'answered' && foreign === 0);
}

function reportTally(type: string, tally: Tally | undefined): QueryReport[] {
	const { count, missing } = tally ?? { count: 0, missing: {} };
	const reports: QueryReport[] = count > 0 ? [{ query: type, status: 'ok', count }] : [];
	for (const [key, names] of Object.entries(missing).sort(([a], [b]) => (a < b ? -1 : 1))) {
		const [status, reason] = key.split(' ');
		// Encoded first, so that the bound holds.
		for (const some of batches(names.map(encodeURIComponent).sort(), NAMES_CHARACTERS, Number.POSITIVE_INFINITY))
			reports.push({
				query: `${type}?_id=${some.join(',')}`,
				status: status === 'refused' ? 'refused' : 'failed',
				count: 0,
				...(reason ? { reason } : {}),
			});
	}
	return reports;
}

/** Progress by resource type, in the order of asking. */
export function kinds(state: CollectState): KindProgress[] {
	const work = Object.values(state.work);
	const types = new Set([
		...state.queries.map(({ type }) => type),
		...referencedTypes.filter((type) => state.references[type]),
		...work.map((one) => (one.kind === 'document' ? 'Binary' : one.type)),
		...(Object.keys(state.documents.missing).length > 0 ? ['Binary'] : []),
		...Object.keys(state.delivered).sort(),
	]);
	const reports = report(state);
	// A value that this server need not know does not make its kind incomplete, as long as the others are answered.
	const optional = new Set(
		state.queries
			.filter(({ optional, state: at }) => optional && at.is === 'unanswered' && at.status === 'refused')
			.map(({ query }) => query),
	);
	return [...types].map((type) => {
		const count = state.delivered[type] ?? 0;
		const queries = state.queries.filter((one) => one.type === type && one.state.is !== 'fanned');
		const open = queries.filter(({ state: { is } }) => is === 'waiting' || is === 'paging');
		const fetching = work.some((one) => (one.kind === 'document' ? 'Binary' : one.type) === type);
		const untouched = open.length === queries.length && open.every(({ state: { is } }) => is === 'waiting');
		const rest = { of: null, bytes: 0, ms: 0, slowSince: null, keptFrom: null };
		if (open.length > 0 || fetching)
			return { type, count, ...rest, status: untouched && count === 0 && !fetching ? 'waiting' : 'loading' };
		const own = reports.filter(({ query }) => query.split(/[?/]/)[0] === type && !optional.has(query));
		const good = count > 0 || own.some(({ status }) => status === 'ok' || status === 'empty');
		const bad = own.filter(({ status }) => status === 'refused' || status === 'failed');
		if (bad.length === 0) return { type, count, ...rest, status: count > 0 ? 'ok' : 'empty' };
		if (good) return { type, count, ...rest, status: 'partial' };
		return { type, count, ...rest, status: bad.some(({ status }) => status === 'failed') ? 'failed' : 'refused' };
	});
}

/** What was handed out by `settle`: lines, and their octets with line ends. Without `finishLines`. */
export function totals(state: CollectState): { resources: number; bytes: number } {
	return { resources: Object.values(state.delivered).reduce((sum, one) => sum + one, 0), bytes: state.bytes };
}

/**
 * Whether nothing of the record could be read: not one query beside the Patient's brought a resource or was answered
 * with none. Where the Patient alone could be asked for, it counts. Meaningful once `isDone`.
 */
export function nothingRead(state: CollectState): boolean {
	const asked = state.queries.filter(({ state: { is } }) => is !== 'fanned');
	const clinical = asked.filter(({ type }) => type !== 'Patient');
	return !(clinical.length > 0 ? clinical : asked).some(wasAnswered);
}

/** The last lines of the stream: an OperationOutcome for each query that was not, or not completely, answered. */
export function finishLines(state: CollectState): string[] {
	return report(state)
		.filter(({ status }) => status === 'refused' || status === 'failed')
		.map(({ query, status, count, reason = status }) =>
			JSON.stringify({
				resourceType: 'OperationOutcome',
				issue: [
					{
						severity: 'error',
						code: issueCode(reason),
						details: { text: reason },
						diagnostics: `${query} (${status}, ${count} ${reason === 'other_patient' ? 'set aside' : 'read'})`,
					},
				],
			}),
		);
}

/** FHIR R4, code system issue-type. */
function issueCode(reason: string): string {
	const codes: Record<string, string> = {
		http_401: 'login',
		http_403: 'forbidden',
		http_404: 'not-found',
		http_410: 'deleted',
		http_429: 'throttled',
		outcome_forbidden: 'forbidden',
		other_patient: 'security',
		other_origin: 'security',
		next_other_origin: 'security',
		redirected: 'security',
		timeout: 'timeout',
		too_large: 'too-long',
	};
	if (Object.hasOwn(codes, reason)) return codes[reason] ?? 'exception';
	return /^http_4/.test(reason) ? 'not-supported' : 'exception';
}
