/** A line of the summary, and below it what else records say of the same thing: each with its own source. */

import type { Fact, Section } from '../clinical/fact.js';
import { compare } from '../clinical/smallest.js';
import { dayOf, minuteOf } from '../dates.js';
import { dayOfFact, detailsOf, type Entry, isCaution, isResult, newestFirst, planOf, union } from './entry.js';
import type { Line } from './gather.js';
import { PLAIN, plain, verbatim } from './markdown.js';
import { flagOf, resultOf } from './result.js';
import { countedOnly, RULES } from './sections.js';
import { tagOf, tagsOf } from './tags.js';

/** Characters of a record's details in one line; a dose or a reaction is hardly ever cut. */
const LONGEST = 400;
const LONGEST_OF_CARE = 1200;
/** Other values of the time of the newest. */
const ALONGSIDE = 4;

/** What goes without saying. */
const USUAL = new Set(['active', 'completed', 'final', 'finished', 'current', 'available']);

/** @param others lines of the same thing that stand in other groups */
export function linesOf(section: Section, line: Line, others: readonly Line[] = []): string[] {
	const [first, ...rest] = line.entries;
	if (!first) return [];
	const { fact, type } = first;
	if (countedOnly(section, type)) {
		const span = line.since === line.until ? line.until : `${line.since} to ${line.until}`;
		return [`- ${plain(type)}: ${[count(line.records), span].filter(Boolean).join(', ')} — ${tags(line.sources)}`];
	}
	const below = isResult(fact) ? [] : rest.slice(0, RULES[section].others);
	const head = [
		...others.flatMap((other) => pointer(section, line, other)),
		...(isResult(fact)
			? resultsOf(section, line, first, rest)
			: [whenOf(section, line, first), statusOf(section, fact)]),
		...plansOf(section, line, first),
	];
	const tail = [
		...(isResult(fact) ? [] : countsOf(section, line, [first, ...below])),
		...alsoCalled(line, fact, below),
	];
	const flag = isResult(fact) ? flagOf(fact) : null;
	const text = fitting(section, first, head, tail);
	return [
		`- **${plain(fact.title)}**${flag ? ` **${flag}**` : ''}${text ? `: ${text}` : ''} ${sourceOf(first)}`,
		...below.map((entry) => `  - ${fitting(section, entry, belowOf(section, line, entry), [])} ${sourceOf(entry)}`),
	];
}

const count = (records: number) => (records === 1 ? '1 record' : `${records} records`);
const tags = (sources: readonly number[]) => tagsOf(sources.map(tagOf));
const sourceOf = ({ sources, ref }: Entry) => `— ${tags(sources)} ${verbatim(ref)}`.trim();
const dayOr = (fact: Fact) => dayOfFact(fact) ?? 'no date';

/** The details between what goes before and after them; those that find no room leave a sign, and where to read them. */
function fitting(section: Section, entry: Entry, head: (string | null)[], tail: string[]): string {
	const most = RULES[section].every ? LONGEST_OF_CARE : LONGEST;
	const details: string[] = [];
	let length = 0;
	let isCut = false;
	for (const detail of gravestFirst(detailsOf(entry))) {
		length += detail.length;
		if (length > most) isCut = true;
		else details.push(detail);
	}
	const said = [...head, ...details, ...tail].filter((one): one is string => one !== null && one !== '');
	if (said.some((one) => one.length > PLAIN)) isCut = true;
	return `${said.map(plain).join('; ')}${isCut ? `; … more: read ${verbatim(entry.ref) || 'the record'}` : ''}`;
}

/** An order not to do something and a grave reaction come before what may be cut. */
function gravestFirst(details: string[]): string[] {
	const isGrave = (one: string) =>
		isCaution(one) || /^an order NOT|^criticality: high|\((?:severe|fatal)\)|anaphyla/i.test(one);
	return [...details.filter(isGrave), ...details.filter((one) => !isGrave(one))];
}

function statusOf(section: Section, fact: Fact): string | null {
	const noEnd = section === 'problems' && RULES.problems.groupOf?.(fact, 'Condition') === 2 && fact.end === null;
	const said = fact.status !== null && !USUAL.has(fact.status) ? fact.status : null;
	return said && noEnd ? `${said}, its end is not recorded` : said;
}

/** `since 2019-03-02 until 2020`, of a problem; of others the day, or from when to when. */
function whenOf(section: Section, line: Line, { fact }: Entry): string | null {
	const [from, to] = [dayOfFact(fact), fact.end && dayOf(fact.end)];
	if (section === 'problems') {
		if (to !== null) return [from && `since ${from}`, `until ${to}`].filter(Boolean).join(' ');
		// The earliest of all, which is where it began.
		const newest = line.since !== from && from !== null ? ` (the newest record: ${from})` : '';
		return line.since === null ? 'no date' : `since ${line.since}${newest}`;
	}
	if (from === null) return to === null ? 'no date' : `until ${to}`;
	return to === null || to === from ? from : `${from} to ${to}`;
}

/** What the same code has beside the first. */
function belowOf(section: Section, line: Line, { fact }: Entry): (string | null)[] {
	const [from, to] = [dayOfFact(fact), fact.end && dayOf(fact.end)];
	const when = [section === 'problems' && from ? `since ${from}` : from, to && to !== from && `until ${to}`];
	const isOther = fact.title.toLowerCase() !== line.entries[0]?.fact.title.toLowerCase();
	const isActive = section === 'medications' && fact.status === 'active';
	return [
		`${isActive ? 'also active, ' : ''}${when.filter(Boolean).join(' ') || 'no date'}`,
		isOther ? fact.title : null,
		statusOf(section, fact),
		section === 'medications' ? planOf(fact) : null,
	];
}

/** Whether it is only planned: where another record of the line is an order, of the newest alone. */
function plansOf(section: Section, { order }: Line, { fact }: Entry): string[] {
	const plan = section === 'medications' ? planOf(fact) : null;
	if (plan === null) return [];
	if (!order) return [plan];
	const status = order.fact.status === null ? '' : ` (${order.fact.status})`;
	return [`the newest record is ${plan}; ordered ${dayOr(order.fact)}${status}`];
}

/** The value, when, others of that time, the last before, and how many there are. */
function resultsOf(section: Section, line: Line, first: Entry, rest: Entry[]): (string | null)[] {
	const { fact, ref } = first;
	const now = rest.filter((entry) => entry.fact.date === fact.date).slice(0, ALONGSIDE);
	const before = rest.find((entry) => entry.fact.date !== fact.date);
	const of = (entry: Entry, when: string | null) => {
		const flag = flagOf(entry.fact);
		const status = entry.fact.status !== null && !USUAL.has(entry.fact.status) ? entry.fact.status : null;
		const source = String(entry.sources) === String(first.sources) ? null : tags(entry.sources);
		const about = [when, status, source].filter(Boolean).join(', ');
		return `${resultOf(entry.fact, entry.ref)}${flag ? ` ${flag}` : ''}${about ? ` (${about})` : ''}`;
	};
	const told = [first, ...now, ...(before ? [before] : [])].reduce((sum, entry) => sum + entry.records, 0);
	const alike = [first, ...now, ...(before ? [before] : [])];
	return [
		`${resultOf(fact, ref)}${fact.range === null ? '' : ` (range ${fact.range})`}`,
		momentOf(fact, before?.fact) ?? 'no date',
		fact.status !== null && !USUAL.has(fact.status) ? fact.status : null,
		...now.map((entry) => `${alongside(fact)}: ${of(entry, null)}`),
		before ? `before: ${of(before, momentOf(before.fact, fact) ?? 'no date')}` : null,
		restOf(section, line, told, from(line.sources, alike)),
	];
}

/** Without a time nobody knows which of them was later. */
function alongside({ date }: Fact): string {
	if (date === null) return 'also without a date';
	return date.includes('T') ? 'also at that time' : 'also of that day';
}

/** The day; of two results of one day the time too. */
function momentOf({ date }: Fact, other: Fact | undefined): string | null {
	if (date === null) return null;
	const alike = other?.date && dayOf(other.date) === dayOf(date) && other.date !== date;
	return alike ? minuteOf(date) : dayOf(date);
}

/** Sources that are on the line for what it does not tell. */
function from(sources: readonly number[], told: readonly Entry[]): string {
	const shown = told.reduce((all, entry) => union(all, entry.sources), [] as number[]);
	return sources.some((one) => !shown.includes(one)) ? ` (${tags(sources)})` : '';
}

/** What is not told is counted. */
function restOf(section: Section, { records, since, until }: Line, told: number, where: string): string | null {
	if (records <= told) return null;
	if (since === null) return `${records - told} more without a date${where}: search kind ${section}`;
	if (since === until) return `${records - told} more of that day${where}: search kind ${section}`;
	return `${count(records)} since ${since}${where}`;
}

/** How many more there are, and since when; the days of a vaccine. */
function countsOf(section: Section, line: Line, told: readonly Entry[]): string[] {
	const [first] = told;
	if (!first) return [];
	const where = from(line.sources, told);
	if (section === 'immunizations') {
		const days = new Map(line.entries.map((entry) => [dayOr(entry.fact), entry]));
		days.set(dayOr(first.fact), first);
		const others = [...days.values()].filter((entry) => entry !== first);
		const also = others.map((entry) => `${dayOr(entry.fact)}${from(entry.sources, [first])}`);
		const all = [...days.values()].reduce((sum, { records }) => sum + records, 0);
		const more = restOf(section, line, all, from(line.sources, [...days.values()]));
		return [...(also.length > 0 ? [`also on ${also.join(', ')}`] : []), ...(more ? [more] : [])];
	}
	const all = told.reduce((sum, { records }) => sum + records, 0);
	const earlier = line.since !== null && line.since !== dayOfFact(first.fact);
	// All of them are told, and each with its day.
	if (line.records === told.length) return [];
	if (section === 'problems' && first.fact.end === null)
		return line.records > all || earlier ? [`${count(line.records)}${where}`] : [];
	if (earlier) return [`${count(line.records)} since ${line.since}${where}`];
	return [restOf(section, line, all, where) ?? ''];
}

function alsoCalled({ titles }: Line, fact: Fact, below: readonly Entry[]): string[] {
	const told = new Set([fact, ...below.map((entry) => entry.fact)].map(({ title }) => title.toLowerCase()));
	const others = titles.filter((title) => !told.has(title.toLowerCase()));
	return others.length > 0 ? [`also called: ${others.join(', ')}`] : [];
}

/** The last day that a record speaks of. */
const pointOf = (section: Section, { fact }: Entry) => (section === 'problems' ? (fact.end ?? fact.date) : fact.date);

/** A line of the same thing in another group: what is active here and stopped there is said in both. */
function pointer(section: Section, line: Line, other: Line): string[] {
	const key = (entry: Entry) => newestFirst(pointOf(section, entry));
	const newest = (entries: readonly Entry[]) => entries.toSorted((a, b) => compare(key(a), key(b)))[0];
	const [own, its] = [newest(line.entries), newest(other.entries)];
	if (!own || !its) return [];
	const [here, there] = [own, its].map((entry) => pointOf(section, entry)?.slice(0, 10) ?? null) as [
		string | null,
		string | null,
	];
	const isOpen = here === null || there === null || here.startsWith(there) || there.startsWith(here);
	const relation = isOpen ? 'ANOTHER RECORD' : there > here ? 'NEWER RECORD' : 'older record';
	// That something was over before it became active again says little.
	if (relation === 'older record' && other.group !== 0) return [];
	const { fact, sources } = its;
	const days = section === 'problems' && fact.end ? `until ${dayOf(fact.end)}` : dayOr(fact);
	return [`${relation}: ${fact.status ?? 'status not said'}, ${days} (${tags(sources)})`];
}
