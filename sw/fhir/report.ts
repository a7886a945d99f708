import type { QueryReport } from '../../relay/contract.js';
import { isGap } from '../../relay/report.js';
import type { KindProgress } from '../contract.js';
import { changesOnly } from './changes.js';
import { encode, type Line } from './line.js';
import { piecesOf } from './queries.js';
import { itemOf } from './queue.js';
import { batches, MAX_REFERENCES } from './references.js';
import { referencedTypes } from './searches.js';
import { type CollectState, missingNames, type Problem, type Query, type Tally } from './state.js';
import { UNREACHED } from './wanted.js';

/** The bound of `QueryReport.query`, with room for the type and parameter. */
const NAMES_CHARACTERS = 1800;

/** Of one source, for the names of what is missing: a manifest holds a mebibyte. */
const ALL_NAMES_CHARACTERS = 64 * 1024;

/**
 * What became of every query that was asked, for the manifest. `count` is what the query brought, so that overlapping
 * queries add up to more than the stream has.
 *
 * A query that was refused and answered in pieces is its pieces; where no piece was answered, it is itself. Resources
 * of another patient are a report of their own (`failed`, `other_patient`, how many were set aside). What the record
 * refers to is one report a type (`Practitioner`), and one for each reason why some are missing (`Practitioner?_id=…`,
 * count 0); documents likewise (`Binary`). Those that are too many to be named are counted (`Practitioner`, `failed`).
 */
export function report(state: CollectState): QueryReport[] {
	const all = [
		...state.queries.filter(({ parent }) => parent === undefined).flatMap((query) => reportQuery(state, query)),
		...referencedTypes.flatMap((type) => reportTally(type, state.references[type])),
		...reportTally('Binary', state.documents),
		...reportExcess('Binary', state.unpointed),
		...reportExcess('references', state.followed - MAX_REFERENCES),
		...reportExcess('resources', state.excess),
	];
	return boundReports(all, ALL_NAMES_CHARACTERS);
}

/** The resource type that a report is of; `references` where it is of none. */
export function typeOfQuery(query: string): string {
	return query.split(/[?/]/)[0] ?? '';
}

/** What was too much to follow, or to take; in no type's name but for documents. */
function reportExcess(query: string, count: number): QueryReport[] {
	return count > 0 ? [{ query, status: 'failed', count, reason: 'too_many' }] : [];
}

/** The same reports, in which numbers take the place of names beyond so many characters. */
export function boundReports(reports: readonly QueryReport[], characters: number): QueryReport[] {
	let left = characters;
	const kept: QueryReport[] = [];
	const counted = new Map<string, QueryReport>();
	for (const report of reports) {
		const { query, status, reason, keptFrom } = report;
		const [type = '', names] = query.split('?_id=');
		if (names !== undefined) left -= query.length;
		if (names === undefined || left >= 0) {
			kept.push(report);
			continue;
		}
		const key = `${type} ${status} ${reason} ${keptFrom}`;
		const before = counted.get(key)?.count ?? 0;
		counted.set(key, { ...report, query: type, count: before + names.split(',').length });
	}
	return [...kept, ...counted.values()];
}

function reportQuery(state: CollectState, query: Query): QueryReport[] {
	const { state: at, count, foreign, pages, ms } = query;
	const asked = query.query.includes('?') ? query.query + changesOnly(state, query.type) : query.query;
	const took = { pages, ms: Math.round(ms) };
	const reports: QueryReport[] = [];
	if (at.is === 'fanned') {
		const pieces = piecesOf(state, query);
		const whole = refusedWhole(query, pieces);
		if (whole) reports.push({ query: asked, count: 0, ...whole, ...took });
		for (const piece of pieces) {
			const said = piece.state.is === 'unanswered' && piece.state.status === 'refused';
			if (!(whole && said)) reports.push(...reportQuery(state, piece));
		}
		return reports;
	}
	const optional = isNoGap(query) && { optional: true as const };
	if (at.is === 'unanswered')
		reports.push({ query: asked, status: at.status, count, reason: at.reason, ...took, ...optional });
	else if (at.is === 'answered' && (count > 0 || foreign === 0))
		reports.push({ query: asked, status: count > 0 ? 'ok' : 'empty', count, ...took });
	if (foreign > 0) reports.push({ query: asked, status: 'failed', count: foreign, reason: 'other_patient' });
	return reports;
}

/** Why a search that was refused, and of which no piece was answered either, could not be read; else null. */
function refusedWhole({ state: at }: Query, pieces: readonly Query[]): Problem | null {
	if (at.is !== 'fanned' || pieces.some((piece) => isOpen(piece) || wasAnswered(piece))) return null;
	return at.refusal;
}

/** A value that this server need not know, and does not: that leaves nothing incomplete, as long as the others are answered. */
function isNoGap({ state: at, optional, count }: Query): boolean {
	return optional === true && at.is === 'unanswered' && at.status === 'refused' && count === 0;
}

function isOpen({ state: { is } }: Query): boolean {
	return is === 'waiting' || is === 'paging';
}

/** Whether anything of this patient, or the certainty that there is nothing, came of it. */
function wasAnswered({ state: at, count, foreign }: Query): boolean {
	return count > 0 || (at.is === 'answered' && foreign === 0);
}

function reportTally(type: string, tally: Tally | undefined): QueryReport[] {
	if (!tally) return [];
	const { count, missing, pages, ms } = tally;
	const reports: QueryReport[] = count > 0 ? [{ query: type, status: 'ok', count }] : [];
	for (const [key, of] of Object.entries(missing).sort(([a], [b]) => (a < b ? -1 : 1))) {
		const [is, reason] = key.split(' ');
		const status = is === 'refused' ? ('refused' as const) : ('failed' as const);
		const why = { status, ...(reason ? { reason } : {}) };
		const { names, more } = missingNames(of);
		// Encoded first, so that the bound holds.
		for (const some of batches(names.map(encodeURIComponent).sort(), NAMES_CHARACTERS, Number.POSITIVE_INFINITY))
			reports.push({ query: `${type}?_id=${some.join(',')}`, ...why, count: 0 });
		if (more > 0) reports.push({ query: type, ...why, count: more });
	}
	// Of all of them together: a batch is answered for some and not for others.
	if (reports[0]) Object.assign(reports[0], { pages, ms: Math.round(ms) });
	return reports;
}

/** How a type stands. */
export interface Standing {
	/** It has searches of its own, beside what refers to it. */
	searched: boolean;
	open: boolean;
	/** Nothing of it was asked for yet. */
	untouched: boolean;
	/** Something was answered, something was not. */
	good: boolean;
	refused: boolean;
	failed: boolean;
}

/** By resource type, in the order of asking. As long as the plan, however long the record is. */
export function standings(state: CollectState): Map<string, Standing> {
	const all = new Map<string, Standing>();
	const of = (type: string) => {
		let standing = all.get(type);
		if (!standing) {
			standing = { searched: false, open: false, untouched: true, good: false, refused: false, failed: false };
			all.set(type, standing);
		}
		return standing;
	};
	for (const query of state.queries) {
		const standing = of(query.type);
		const { state: at, count, foreign } = query;
		standing.searched = true;
		if (at.is === 'fanned') {
			const whole = refusedWhole(query, piecesOf(state, query));
			if (whole) standing[whole.status] = true;
			continue;
		}
		if (isOpen(query)) standing.open = true;
		if (at.is !== 'waiting') standing.untouched = false;
		if (at.is === 'unanswered' && !isNoGap(query)) standing[at.status] = true;
		if (foreign > 0) standing.failed = true;
		if (count > 0 || (at.is === 'answered' && foreign === 0)) standing.good = true;
	}
	for (const type of referencedTypes) if (state.references[type]) addTally(of(type), state.references[type]);
	for (const work of state.work.items) if (work && work.kind !== 'probe') open(of(work.type));
	if (state.toFetch.items.length > 0) open(of('Binary'));
	if (state.toFetch.items.length > 0 || Object.keys(state.documents.missing).length > 0)
		addTally(of('Binary'), state.documents);
	if (state.unpointed > 0) of('Binary').failed = true;
	for (const type of Object.keys(state.types).sort()) if ((state.types[type]?.count ?? 0) > 0) of(type).good = true;
	return all;
}

function open(standing: Standing): void {
	standing.open = true;
	standing.untouched = false;
}

function addTally(standing: Standing, { count, missing }: Tally): void {
	if (count > 0) standing.good = true;
	for (const key in missing) standing[key.startsWith('refused ') ? 'refused' : 'failed'] = true;
}

/** A request that is out for longer is slow. */
const SLOW_MS = 5000;

/**
 * Progress by resource type, in the order of asking.
 * @param inFlight since when each task, by its id, is out; on the clock of `now`, in ms
 */
export function kinds(state: CollectState, inFlight: ReadonlyMap<string, number> = new Map(), now = 0): KindProgress[] {
	const slow = new Map<string, number>();
	for (const [id, since] of inFlight) {
		const type = taskType(state, id);
		if (type && now - since > SLOW_MS) slow.set(type, Math.min(since, slow.get(type) ?? since));
	}
	return [...standings(state)].map(([type, standing]) => {
		const { count = 0, bytes = 0, ms = 0, known = 0 } = state.types[type] ?? {};
		const changes = type in state.since;
		// By references where only they lead to it; what was there before tells nothing of how much changed.
		const of = standing.searched ? (changes ? null : state.expected[type]) : known || state.expected[type];
		return {
			type,
			count,
			of: of && of >= count && (standing.open || !standing.searched) ? of : null,
			bytes,
			ms: Math.round(ms),
			slowSince: slow.get(type) ?? null,
			keptFrom: null,
			status: statusOf(standing, count, changes),
		};
	});
}

function statusOf({ open, untouched, good, refused, failed }: Standing, count: number, changes: boolean) {
	if (open) return untouched && count === 0 ? 'waiting' : 'loading';
	// That nothing changed does not mean that there is nothing.
	if (!refused && !failed) return count > 0 || changes ? 'ok' : 'empty';
	if (good) return 'partial';
	return failed ? 'failed' : 'refused';
}

function taskType(state: CollectState, taskId: string): string | undefined {
	const id = taskId.slice(0, taskId.lastIndexOf('@'));
	if (/^[A-Z]/.test(id)) return typeOfQuery(id);
	return id[0] === 'd' ? 'Binary' : itemOf(state.work, Number(id.slice(1)))?.type;
}

/** What was handed out by `settle`: lines, and their octets with line ends. Without `finishLines`. */
export function totals(state: CollectState): { resources: number; bytes: number } {
	let resources = 0;
	let bytes = 0;
	for (const of of Object.values(state.types)) {
		resources += of.count;
		bytes += of.bytes;
	}
	return { resources, bytes };
}

/**
 * Whether nothing of the record could be read: not one query beside the Patient's brought a resource or was answered
 * with none, or all that came was another patient's. Where the Patient alone could be asked for, it counts. Meaningful
 * once `isDone`.
 */
export function nothingRead(state: CollectState): boolean {
	const asked = state.queries.filter(
		({ state: at }) => at.is !== 'fanned' && !(at.is === 'unanswered' && at.reason === UNREACHED.reason),
	);
	const clinical = asked.filter(({ type }) => type !== 'Patient' && type !== 'CapabilityStatement');
	// Who is given somebody else's record, and nothing else, does not know what there is of this one.
	if (clinical.some(({ foreign }) => foreign > 0) && !clinical.some(({ count }) => count > 0)) return true;
	return !(clinical.length > 0 ? clinical : asked).some(wasAnswered);
}

/** The last lines of the stream: an OperationOutcome for each query that was not, or not completely, answered. */
export function finishLines(state: CollectState): Line[] {
	return outcomeLines(report(state));
}

export function outcomeLines(reports: readonly QueryReport[]): Line[] {
	return reports.filter(isGap).map(({ query, status, count, reason = status }) => {
		const resourceType = 'OperationOutcome';
		// A number in the name of no request is of what could not be named.
		const not = count > 0 && /^[A-Za-z]+$/.test(query) ? 'missing' : 'read';
		const diagnostics = `${query} (${status}, ${count} ${reason === 'other_patient' ? 'set aside' : not})`;
		const issue = [{ severity: 'error', code: issueCode(reason), details: { text: reason }, diagnostics }];
		return { type: resourceType, id: null, octets: encode(JSON.stringify({ resourceType, issue })) };
	});
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
