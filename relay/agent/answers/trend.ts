/** The values of one lab or vital sign over time, oldest first; values of different units are never mixed. */

import type { Code, Fact } from '../clinical/fact.js';
import type { Library } from '../library/library.js';
import type { TrendQuery } from './answers.js';
import { instantOf, shown } from './dates.js';
import { type Filter, filterOf, invalid } from './filter.js';
import { fold } from './fold.js';
import { gapsOf, tagOf } from './gaps.js';
import { factFor, measured, quantity, short } from './line.js';
import type { Names } from './names.js';
import { Newest } from './newest.js';
import type { Whole } from './pages.js';

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

/** @throws {AgentError} `query_invalid`, `records_damaged` */
export async function trend(library: Library, names: Names, query: TrendQuery): Promise<Whole> {
	const { text = '', code } = query;
	if ((text.trim() === '') === (code === undefined)) throw invalid('give either "code" or "text"');
	const filter = filterOf(library.index, query);
	const { groups, retracted, undated } = await collect(library, names, filter);
	const exact = groups.filter(({ titles }) => titles.has(fold(text).trim()));
	const chosen = exact.length === 1 ? exact : groups;
	const gaps = gapsOf(filter.sources);
	const missing = gaps.length > 0 ? ['Not here:', ...gaps.slice(0, 30).map((line) => short(line, 300)), ''] : [];
	const head = [
		headOf(chosen),
		retracted > 0 && `${retracted} entered in error were left out.`,
		undated > 0 && `${undated} without a date were left out.`,
		gaps.length > 0 &&
			'Not everything could be read from the providers: see "not here", which is no sign that there is nothing.',
	];
	const [only] = chosen;
	const told = chosen.length === 1 && only ? series(only) : candidates(chosen);
	return { head: head.filter(Boolean).join('\n'), body: [...missing, ...told].join('\n') };
}

function headOf(groups: readonly Group[]): string {
	if (groups.length === 0) return 'No values were found.';
	if (groups.length > 1) return 'More than one thing has these words. Choose one, and ask with its code:';
	const { count, left } = (groups[0] as Group).points;
	const listed = left > 0 ? `, of which the newest ${POINTS} are listed` : '';
	return `${count} values${listed}, oldest first, by unit: date | value | status | source | ref.`;
}

async function collect(library: Library, names: Names, filter: Filter) {
	const resolver = await names.resolver();
	const groups = new Map<string, Group>();
	const result = { retracted: 0, undated: 0 };
	for (const source of filter.sources) {
		const tag = tagOf(library.index, source);
		for await (const { ref, resource } of library.items(['Observation'], source.folder)) {
			const whole = factFor(resource, resolver(source));
			for (const fact of [whole, ...whole.parts]) {
				if (!fact.value || !isMeant(fact, filter)) continue;
				const date = fact.date ?? whole.date;
				if (whole.retracted || fact.retracted) result.retracted++;
				else if (filter.inTime(date, fact.end ?? whole.end))
					addTo(groups, filter, { date, fact, status: fact.status ?? whole.status, tag, ref });
				else if (date === null) result.undated++;
			}
		}
	}
	return { groups: [...groups.values()], ...result };
}

function isMeant(fact: Fact, { coded, hasCode, words }: Filter): boolean {
	if (coded) return hasCode(fact.codes);
	const text = fold([fact.title, ...fact.codes.map(({ display }) => display)].join('\n'));
	return words.every((word) => text.includes(word));
}

/** What was asked for by its code is one group, whatever other codes it has. */
function addTo(groups: Map<string, Group>, { coded }: Filter, point: Point): void {
	const { title, codes } = point.fact;
	const key = coded ? '' : keyOf(point.fact);
	const group = groups.get(key) ?? { title, titles: new Set(), codes: new Map(), points: new Newest<Point>(POINTS) };
	if (!groups.has(key)) {
		if (groups.size >= CANDIDATES) return;
		groups.set(key, group);
	}
	if (group.titles.size < 100) group.titles.add(fold(title).trim());
	for (const code of codes) if (group.codes.size < 10) group.codes.set(`${code.system ?? ''}|${code.code}`, code);
	group.points.add(instantOf(point.date), point);
}

/** LOINC's code where there is one: what different labs call the same. */
function keyOf({ codes, title }: Fact): string {
	const code = codes.find(({ system }) => system === 'http://loinc.org') ?? codes[0];
	return code ? `${code.system ?? ''}|${code.code}` : fold(title).trim();
}

function candidates(groups: readonly Group[]): string[] {
	return [...groups]
		.sort((a, b) => b.points.count - a.points.count)
		.map(({ title, codes, points }) => {
			const shownCodes = [...codes.keys()].slice(0, 3).map((code) => short(code, 120));
			return `${short(title, 200)} | ${shownCodes.join(' or ') || 'no code: ask with these words'} | ${points.count} values`;
		});
}

function series({ title, codes, points }: Group): string[] {
	const units = new Map<string, Point[]>();
	for (const point of points.list().reverse()) {
		const { value } = point.fact;
		const unit = value?.number == null ? '' : (value.unit ?? 'no unit');
		const list = units.get(unit);
		if (list) list.push(point);
		else units.set(unit, [point]);
	}
	const names = [...codes.keys()].slice(0, 3).map((code) => short(code, 120));
	const groups = [...units].sort(([, a], [, b]) => b.length - a.length);
	return [
		[short(title, 200), ...names].join(' | '),
		...groups.flatMap(([unit, list]) => ['', ...extremes(unit, list), ...list.map(lineOf)]),
	];
}

function extremes(unit: string, list: Point[]): string[] {
	if (unit === '') return ['Not numbers:'];
	const number = ({ fact }: Point) => fact.value?.number ?? Number.NaN;
	const least = list.reduce((a, b) => (number(b) < number(a) ? b : a));
	const most = list.reduce((a, b) => (number(b) > number(a) ? b : a));
	const at = (point: Point | undefined) =>
		point?.fact.value ? `${quantity(point.fact.value)} on ${shown(point.date)}` : '';
	return [
		`In ${short(unit, 60)}: ${list.length} values. First ${at(list[0])}, last ${at(list.at(-1))}, least ${at(least)}, most ${at(most)}.`,
	];
}

function lineOf({ date, fact, status, tag, ref }: Point): string {
	return [shown(date), short(measured(fact), 200), status && short(status, 40), tag, ref].filter(Boolean).join(' | ');
}
