/** What a question asks for, checked, and as tests that a resource passes or not. */

import type { Code, Fact } from '../clinical/fact.js';
import { daysOf } from '../dates.js';
import type { Index, SourceEntry } from '../files/records.js';
import { fold, wordsOf } from './fold.js';
import { invalid } from './invalid.js';
import { type Kind, kindOf } from './kinds.js';
import type { SearchQuery } from './question.js';

export interface Filter extends Kind {
	/** Folded. */
	words: string[];
	/** Those that are asked about. */
	sources: SourceEntry[];
	/** Null: a date range was given, and this has no date that could be in it. */
	inTime: (date: string | null, end: string | null) => boolean | null;
	/** Whether one of these is the code that was asked for. */
	hasCode: (codes: readonly Code[]) => boolean;
	coded: boolean;
}

/** Types of a delivery that no search looks at: documents are looked at as such, and the others tell of queries. */
export const NOT_SEARCHED = new Set(['Binary', 'OperationOutcome']);
/** Characters of an answerable question. */
const MOST = 300;

/** @throws {AgentError} `query_invalid` */
export function filterOf(index: Index, query: SearchQuery): Filter {
	for (const [name, value] of Object.entries(query))
		if (value !== undefined && (typeof value !== 'string' || value.length > MOST))
			throw invalid(`"${name}" is a text of at most ${MOST} characters`);
	const { text = '', kind, code, source, from, to } = query;
	return {
		words: wordsOf(text),
		sources: source === undefined ? index.sources : sourcesOf(index, source),
		...kindOf(
			kind,
			index.sources.flatMap(({ types }) => Object.keys(types)),
		),
		inTime: timeOf(from, to),
		hasCode: codeOf(code),
		coded: code !== undefined,
	};
}

/** Whether `fact`, or a part of it, is of the code. */
export function isOf(fact: Fact, { hasCode }: Filter): boolean {
	return hasCode(fact.codes) || fact.parts.some(({ codes }) => hasCode(codes));
}

/** By folder, by name, or by a part of the name that is like no other. */
function sourcesOf({ sources }: Index, asked: string): SourceEntry[] {
	const folded = fold(asked).trim();
	const exact = sources.filter(({ folder, name }) => folder === asked || fold(name).trim() === folded);
	const found = exact.length > 0 ? exact : sources.filter(({ name }) => folded !== '' && fold(name).includes(folded));
	if (found.length === 0) throw invalid('there is no source of that name; "list" gives names and folders');
	return found;
}

/** What lasted from one day to another is in every range that it touches. */
function timeOf(from: string | undefined, to: string | undefined): Filter['inTime'] {
	const [earliest, latest] = [from, to].map((date) => (date === undefined ? null : daysOf(date)));
	if ((from !== undefined && !earliest) || (to !== undefined && !latest))
		throw invalid('"from" and "to" are dates: 2019, 2019-03 or 2019-03-02');
	if (earliest && latest && earliest.first > latest.last) throw invalid('"from" is later than "to"');
	if (!earliest && !latest) return () => true;
	return (date, end) => {
		const days = daysOf(date) ?? daysOf(end);
		if (!days) return null;
		const last = daysOf(end)?.last ?? days.last;
		return (!earliest || last >= earliest.first) && (!latest || days.first <= latest.last);
	};
}

function codeOf(asked: string | undefined): Filter['hasCode'] {
	if (asked === undefined) return () => true;
	const bar = asked.lastIndexOf('|');
	const system = bar < 0 ? null : asked.slice(0, bar).trim();
	const code = asked.slice(bar + 1).trim();
	if (code === '') throw invalid('"code" is a code, alone or after its system: http://loinc.org|4548-4');
	// `|4548-4` is a code of no system, as in a FHIR search.
	return (codes) => codes.some((one) => one.code === code && (system === null || (one.system ?? '') === system));
}
