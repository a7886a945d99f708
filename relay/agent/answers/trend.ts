/** The values of one lab or vital sign over time, oldest first; values of different units are never mixed. */

import type { Code, Fact } from '../clinical/fact.js';
import { factOf } from '../clinical/fact-of.js';
import { spell } from '../clinical/quantity.js';
import { instantOf } from '../dates.js';
import type { Library } from '../library/library.js';
import { count } from '../source-words.js';
import { called } from './called.js';
import { type Filter, filterOf } from './filter.js';
import { fold } from './fold.js';
import { gapsOf, tagOf, told } from './gaps.js';
import { invalid } from './invalid.js';
import { measured, partOf, short, shown } from './line.js';
import type { Resolving } from './names.js';
import { Newest } from './newest.js';
import type { Whole } from './pages.js';
import type { TrendQuery } from './question.js';

/** Values of one answer, the newest. */
const POINTS = 20_000;
/** Groups of codes that a text may mean. */
const CANDIDATES = 500;

interface Point {
	date: string | null;
	fact: Fact;
	/** Its own, or that of the panel. */
	status: string | null;
	tag: string;
	ref: string;
}

interface Group {
	title: string;
	/** Folded, of all its facts. */
	titles: Set<string>;
	codes: Map<string, Code>;
	points: Newest<Point>;
}

/** What a trend is made of. */
const ABOUT = { about: new Set(['Observation']), main: ['Observation'] };

/** @throws {AgentError} `query_invalid`, `records_damaged`, `interrupted` */
export async function trend(library: Library, names: Resolving, query: TrendQuery): Promise<Whole> {
	const { text = '', code } = query;
	if ((text.trim() === '') === (code === undefined)) throw invalid('give either "code" or "text"');
	const filter = filterOf(library.index, query);
	const { groups, retracted, undated, uncounted } = await collect(library, names, filter);
	const exact = groups.filter(({ titles }) => titles.has(fold(text).trim()));
	const chosen = exact.length === 1 ? exact : groups;
	const others = chosen.length < groups.length ? candidates(groups.filter((group) => !chosen.includes(group))) : [];
	const gaps = told(gapsOf(library.index, filter.sources, ABOUT));
	const head = [
		headOf(chosen),
		others.length > 0 && `${count(others.length, 'other')} with these words: see the end.`,
		uncounted > 0 && `${count(uncounted, 'value')} of further things are not among them: ask more narrowly.`,
		retracted > 0 && `${retracted} entered in error were left out.`,
		undated > 0 && `${undated} without a date were left out.`,
		gaps.head,
	];
	const [only] = chosen;
	const lines = chosen.length === 1 && only ? series(only) : candidates(chosen);
	const also = others.length > 0 ? ['', 'Others with these words:', ...others] : [];
	return { head: head.filter(Boolean).join('\n'), body: [...gaps.body, ...lines, ...also].join('\n') };
}

function headOf(groups: readonly Group[]): string {
	if (groups.length === 0)
		return 'No values were found. A search with these words finds what they may be called here, and its codes.';
	if (groups.length > 1) return 'More than one thing is meant by this. Choose one, and ask with its code:';
	const { count: all, left } = (groups[0] as Group).points;
	const listed = left > 0 ? `, of which the newest ${POINTS} are listed` : '';
	return `${count(all, 'value')}${listed}, oldest first, by unit: date | value | status | source | ref.`;
}

async function collect(library: Library, names: Resolving, filter: Filter) {
	const resolver = await names.resolver();
	const groups = new Map<string, Group>();
	const result = { retracted: 0, undated: 0, uncounted: 0 };
	const isMeant = meaningOf(filter);
	for (const source of filter.sources) {
		const tag = tagOf(library.index, source);
		for await (const { ref, resource } of library.items(['Observation'], source.folder)) {
			const whole = factOf(resource, resolver(source));
			const valued = whole.parts.filter(({ value }) => value);
			// A panel that is meant is told as one, its parts side by side; else each part for itself.
			const panel = !whole.value && valued.length > 0 && isMeant(whole);
			for (const fact of panel ? [whole] : [whole, ...valued]) {
				if (!panel && (!fact.value || !isMeant(fact))) continue;
				const date = fact.date ?? whole.date;
				const inTime = filter.inTime(date, fact.end ?? whole.end);
				if (whole.retracted || fact.retracted) result.retracted++;
				else if (inTime === null) result.undated++;
				else if (inTime && !addTo(groups, filter, { date, fact, status: fact.status ?? whole.status, tag, ref }))
					result.uncounted++;
			}
		}
	}
	return { groups: [...groups.values()], ...result };
}

/** Words mean what has them in its names; where they are a name that doctors use and records do not, what it stands for. */
function meaningOf({ coded, hasCode, words }: Filter): (fact: Fact) => boolean {
	if (coded) return ({ codes }) => hasCode(codes);
	const other = called(words);
	return ({ title, codes }) => {
		const text = fold([title, ...codes.map(({ display }) => display)].join('\n'));
		return words.every((word) => text.includes(word)) || (other !== null && codes.some(({ code }) => other.has(code)));
	};
}

/**
 * What was asked for by a code and its system is one group, whatever other codes it has. A code alone may be another system's, too.
 * @returns false when there is no room for another group
 */
function addTo(groups: Map<string, Group>, filter: Filter, point: Point): boolean {
	const { title, codes } = point.fact;
	const key = keyOf(point.fact, filter);
	const group = groups.get(key) ?? { title, titles: new Set(), codes: new Map(), points: new Newest<Point>(POINTS) };
	if (!groups.has(key)) {
		if (groups.size >= CANDIDATES) return false;
		groups.set(key, group);
	}
	if (group.titles.size < 100) group.titles.add(fold(title).trim());
	for (const code of codes) if (group.codes.size < 10) group.codes.set(`${code.system ?? ''}|${code.code}`, code);
	group.points.add(instantOf(point.date), point);
	return true;
}

/** LOINC's code where there is one: what different labs call the same. A code for "unknown" says nothing. */
function keyOf({ codes, title }: Fact, { coded, hasCode }: Filter): string {
	const of = ({ system, code }: Code) => `${system ?? ''}|${code}`;
	const asked = coded ? codes.filter((code) => hasCode([code])) : [];
	if (asked[0]) return of(asked.find(isLoinc) ?? asked[0]);
	const known = codes.filter(
		({ system, code }) => !/NullFlavor|data-absent-reason/.test(system ?? '') && !UNKNOWN.has(code),
	);
	const code = known.find(isLoinc) ?? known[0];
	return code ? of(code) : fold(title).trim();
}

const isLoinc = ({ system }: Code) => system === 'http://loinc.org';
const UNKNOWN = new Set(['UNK', 'OTH', 'NI', 'NA', 'ASKU', 'unknown']);

function candidates(groups: readonly Group[]): string[] {
	return [...groups]
		.sort((a, b) => b.points.count - a.points.count)
		.map(({ title, codes, points }) => {
			const shownCodes = [...codes.keys()].slice(0, 3).map(shownCode);
			return `${short(title, 200)} | ${shownCodes.join(' or ') || 'no code: ask with these words'} | ${count(points.count, 'value')}`;
		});
}

/** Of a system and a code the bar between them is our own. */
function shownCode(code: string): string {
	const bar = code.lastIndexOf('|');
	return `${short(code.slice(0, bar), 100)}|${short(code.slice(bar + 1), 60)}`;
}

function series({ title, codes, points }: Group): string[] {
	const units = new Map<string, Point[]>();
	const all = points.list().reverse();
	for (const point of all) {
		const { value } = point.fact;
		const unit = value?.number == null ? '' : (value.unit ?? 'no unit');
		const list = units.get(unit);
		if (list) list.push(point);
		else units.set(unit, [point]);
	}
	const names = [...codes.keys()].slice(0, 3).map(shownCode);
	const groups = [...units].sort(([, a], [, b]) => b.length - a.length);
	const [first, last] = [all[0], all.at(-1)];
	const ends = units.size > 1 && first && last ? [`In all: first ${at(first)}, last ${at(last)}.`] : [];
	return [
		[short(title, 200), ...names].join(' | '),
		...ends,
		...groups.flatMap(([unit, list]) => ['', ...extremes(unit, list), ...list.map(lineOf)]),
	];
}

/** A result beyond the measuring range has no number: it may be the most of all. */
function extremes(unit: string, list: Point[]): string[] {
	if (unit === '') return [list.every(isPanel) ? 'Together:' : 'Not numbers, or beyond what can be measured:'];
	const number = ({ fact }: Point) => fact.value?.number ?? Number.NaN;
	const least = list.reduce((a, b) => (number(b) < number(a) ? b : a));
	const most = list.reduce((a, b) => (number(b) > number(a) ? b : a));
	const [first = least, last = least] = [list[0], list.at(-1)];
	return [
		`In ${short(unit, 60)}: ${count(list.length, 'value')}. First ${at(first)}, last ${at(last)}, least ${at(least)}, most ${at(most)}.`,
	];
}

function isPanel({ fact }: Point): boolean {
	return !fact.value;
}

function at({ fact, date }: Point): string {
	const value = fact.value ? spell(fact.value) : fact.parts.map(partOf).join(', ');
	return `${short(value, 100)} on ${shown(date)}`;
}

function lineOf({ date, fact, status, tag, ref }: Point): string {
	const value = fact.value ? measured(fact) : fact.parts.slice(0, 20).map(partOf).join(', ');
	return [shown(date), short(value, 300), short(status ?? '-', 40), tag, ref].join(' | ');
}
