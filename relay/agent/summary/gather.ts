/**
 * Facts, gathered into lines: what one code names is a line, and what records say of it alike is one entry of it, from whichever
 * source. Memory is bounded, and what comes out depends on the records and not on their order.
 */

import type { Fact, Section } from '../clinical/fact.js';
import { compare, Smallest } from '../clinical/smallest.js';
import { nameOf } from './codes.js';
import {
	contentOf,
	dayOfFact,
	type Entry,
	isCaution,
	isResult,
	kindOf,
	newestFirst,
	planOf,
	sameContent,
	sameResult,
	standing,
	union,
	urgency,
	valuesOf,
	worstOf,
} from './entry.js';
import { countedOnly, RULES } from './sections.js';

/** Different lines of one section that are kept apart, far above what is shown. */
const LINES = 2000;
/** The newest of what has one code. */
const NEWEST = 12;
/** Different things said of what has one code, however old, where each of them matters. */
const CONTENTS = 24;
/** Names that go with one code. */
const TITLES = 3;

export interface Line {
	group: number;
	/** What lines of one thing have alike, whatever their group. */
	family: string;
	/** Each says something else; the newest first, of an allergy the gravest. At least one. */
	entries: Entry[];
	records: number;
	/** The earliest and the newest day. */
	since: string | null;
	until: string | null;
	sources: number[];
	titles: string[];
	/** The newest that is no mere plan. */
	order: Entry | null;
}

interface Growing extends Omit<Line, 'entries' | 'titles'> {
	entries: Smallest<Entry>;
	contents: Smallest<Entry>;
	titles: Smallest<string>;
}

export class Gatherer {
	readonly #lines = new Smallest<Growing>(LINES);
	/** Records that are in the section, shown or not. */
	records = 0;
	/** Those that were taken back, and are in no line. */
	retracted = 0;
	/** Panels without a value of their own: their members have lines. */
	panels = 0;

	constructor(readonly section: Section) {}

	add(fact: Fact, type: string, ref: string, source: number): void {
		if (fact.retracted) {
			this.retracted++;
			return;
		}
		if (type === 'Observation' && this.section === 'reports' && !isResult(fact) && fact.details.length === 0) {
			this.panels++;
			return;
		}
		this.records++;
		const entry: Entry = { fact, type, ref, sources: [source], records: 1, more: [] };
		const group = RULES[this.section].groupOf?.(fact, type) ?? 0;
		const { family, key } = this.#keysOf(fact, type, ref);
		const join = (line: Growing) => this.#join(line, entry);
		this.#lines.add(`${group}|${key}`, () => join(empty(group, family)), join);
	}

	#join(line: Growing, entry: Entry): Growing {
		const { fact } = entry;
		const day = dayOfFact(fact);
		line.records++;
		line.since = earliest(line.since, day);
		line.until = latest(line.until, day);
		line.sources = union(line.sources, entry.sources);
		line.titles.add(
			folded(fact.title),
			() => fact.title,
			(one) => [one, fact.title].sort(compare)[0] ?? one,
		);
		if (isResult(fact)) {
			const key = `${newestFirst(fact.date)}|${standing(fact)}|${valuesOf(fact)}`;
			line.entries.add(
				key,
				() => entry,
				(kept) => sameResult(kept, entry),
			);
			return line;
		}
		const content = contentOf(this.section, fact);
		const same = (kept: Entry) => sameContent(kept, entry);
		line.entries.add(`${newestFirst(day)}|${content}`, () => entry, same);
		if (RULES[this.section].every) line.contents.add(`${urgency(fact)}|${content}`, () => entry, same);
		if (this.section === 'medications' && planOf(fact) === null) line.order = newer(line.order, entry);
		return line;
	}

	/** By group, then (allergies) the gravest, then the newest first, then by title and ref. */
	lines(): Line[] {
		const lines = this.#united().map((line): Line => {
			const entries = this.#entriesOf(line);
			const now = entries.filter(({ fact }) => fact.date === entries[0]?.fact.date);
			const isFlagged = now.some(({ fact }) => worstOf(fact) !== null);
			const group = this.section === 'labs' ? (isFlagged ? 0 : 1) : line.group;
			return { ...line, group, entries, titles: line.titles.entries().map(([, title]) => title) };
		});
		const order = ({ entries: [first], until }: Line) => {
			if (!first) return '';
			return [urgency(first.fact), newestFirst(until), folded(first.fact.title), first.ref].join('\u0000');
		};
		const keyed = lines.map((line) => ({ line, key: order(line) }));
		return keyed.sort((a, b) => a.line.group - b.line.group || compare(a.key, b.key)).map(({ line }) => line);
	}

	/** Lines of one code are one where each source has one name for it: else they are different things. */
	#united(): Growing[] {
		const families = new Map<string, Growing[]>();
		for (const [, line] of this.#lines.entries()) {
			const key = `${line.group}|${line.family}`;
			families.set(key, [...(families.get(key) ?? []), line]);
		}
		return [...families.values()].flatMap((lines) => {
			const [first, ...others] = lines;
			const sources = lines.flatMap((line) => line.sources);
			if (!first || others.length === 0 || new Set(sources).size < sources.length) return lines;
			return [others.reduce(united, first)];
		});
	}

	#entriesOf({ entries, contents }: Growing): Entry[] {
		const found = new Map<string, Entry>();
		const into = (key: string, entry: Entry, same: (kept: Entry, entry: Entry) => Entry) => {
			const kept = found.get(key);
			found.set(key, kept ? same(kept, entry) : entry);
		};
		const all = contents.entries().map(([, entry]) => entry);
		const known = new Set(all.map(({ fact }) => contentOf(this.section, fact)));
		for (const entry of all) into(contentOf(this.section, entry.fact), entry, sameContent);
		for (const [, entry] of entries.entries()) {
			const { fact } = entry;
			if (isResult(fact)) into(`${fact.date}|${valuesOf(fact)}`, entry, sameResult);
			else if (!known.has(contentOf(this.section, fact))) into(contentOf(this.section, fact), entry, sameContent);
		}
		const keyed = [...found].map(([key, entry]) => {
			const { fact } = entry;
			const [date, last] = isResult(fact) ? [fact.date, newestFirst(fact.issued ?? null)] : [dayOfFact(fact), ''];
			return { entry, key: [urgency(fact), newestFirst(date), standing(fact), last, key].join('|') };
		});
		return keyed.sort((a, b) => compare(a.key, b.key)).map(({ entry }) => entry);
	}

	/** What is a line, and what it has in common with lines of other groups. */
	#keysOf(fact: Fact, type: string, ref: string): { family: string; key: string } {
		const alone = (key: string) => ({ family: key, key });
		if (countedOnly(this.section, type)) return alone(type);
		const { by } = RULES[this.section];
		if (by === 'own') return alone(`${newestFirst(fact.date)}|${ref}`);
		// Kinds that share a section do not share lines: a goal is no order. Nor do results that cannot be compared, or what is
		// about somebody else.
		const cautions = fact.details.filter(isCaution).join('|');
		const kind = `${/^Medication/.test(type) ? '' : type}|${isResult(fact) ? kindOf(fact) : ''}|${cautions}`;
		const day = by === 'date' ? `${newestFirst(dayOfFact(fact))}|` : '';
		const title = folded(fact.title);
		const name = nameOf(type, fact.codes);
		const coded = `${day}${kind}|${name?.key ?? 'text'}`;
		if (name?.same === 'always') return alone(coded);
		if (name?.same === 'between') return { family: coded, key: `${coded}|${title}` };
		return alone(`${coded}|${title}`);
	}
}

function empty(group: number, family: string): Growing {
	return {
		group,
		family,
		entries: new Smallest(NEWEST),
		contents: new Smallest(CONTENTS),
		records: 0,
		since: null,
		until: null,
		sources: [],
		titles: new Smallest(TITLES),
		order: null,
	};
}

/** Both in one; neither is changed. */
function united(one: Growing, other: Growing): Growing {
	const line = empty(one.group, one.family);
	for (const each of [one, other]) {
		line.records += each.records;
		line.since = earliest(line.since, each.since);
		line.until = latest(line.until, each.until);
		line.sources = union(line.sources, each.sources);
		if (each.order) line.order = newer(line.order, each.order);
		for (const [key, title] of each.titles.entries())
			line.titles.add(
				key,
				() => title,
				(kept) => kept,
			);
		for (const of of ['entries', 'contents'] as const)
			for (const [key, entry] of each[of].entries())
				line[of].add(
					key,
					() => entry,
					(kept) => (isResult(entry.fact) ? sameResult(kept, entry) : sameContent(kept, entry)),
				);
	}
	return line;
}

const folded = (title: string) => title.normalize('NFKC').toLowerCase();

const earliest = (one: string | null, other: string | null) =>
	one === null || (other !== null && other < one) ? other : one;
const latest = (one: string | null, other: string | null) =>
	one === null || (other !== null && other > one) ? other : one;

function newer(kept: Entry | null, entry: Entry): Entry {
	if (!kept) return entry;
	const key = ({ fact, ref }: Entry) => `${newestFirst(fact.date)}|${ref}|${JSON.stringify(fact)}`;
	return key(kept) <= key(entry) ? kept : entry;
}
