/**
 * Facts, gathered into lines: what agrees in code and date is one, from whichever source. Memory is bounded, and what comes out
 * depends on the records and not on their order.
 */
import { dayOf, sortable } from '../clinical/date.js';
import type { Code, Fact, Section } from '../clinical/fact.js';
import { compare, Smallest } from '../clinical/smallest.js';
import { countedOnly, RULES } from './sections.js';

/** Different lines of one section that are kept apart, far above what is shown. */
const LINES = 2000;
/** The newest of what has one code. */
const NEWEST = 6;
/** Names that go with one code. */
const TITLES = 3;

/** The same thing from one source or several. */
export interface Entry {
	fact: Fact;
	type: string;
	/** Of the first source that has it. */
	ref: string;
	/** Positions of the sources in the index, ascending. */
	sources: number[];
}

export interface Line {
	group: number;
	/** Newest first; at least one. */
	entries: Entry[];
	records: number;
	/** The earliest day. */
	since: string | null;
	sources: number[];
	titles: string[];
}

interface Growing extends Omit<Line, 'entries' | 'titles'> {
	entries: Smallest<Entry>;
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
		if (type === 'Observation' && this.section === 'reports' && !isMeasured(fact) && fact.details.length === 0) {
			this.panels++;
			return;
		}
		this.records++;
		const entry: Entry = { fact, type, ref, sources: [source] };
		const group = RULES[this.section].groupOf?.(fact, type) ?? 0;
		const make = (): Growing => ({
			group,
			entries: new Smallest(NEWEST),
			records: 0,
			since: null,
			sources: [],
			titles: new Smallest(TITLES),
		});
		const join = (line: Growing): Growing => {
			line.records++;
			const day = fact.date && dayOf(fact.date);
			if (day !== null && (line.since === null || day < line.since)) line.since = day;
			line.sources = union(line.sources, entry.sources);
			line.titles.add(
				folded(fact.title),
				() => fact.title,
				(one) => [one, fact.title].sort(compare)[0] ?? one,
			);
			line.entries.add(
				`${newestFirst(pointOf(fact))}|${identity(fact, type)}`,
				() => entry,
				(kept) => same(kept, entry),
			);
			return line;
		};
		this.#lines.add(`${group}|${this.#keyOf(fact, type, ref)}`, () => join(make()), join);
	}

	/** By group, then the newest first, then by title and ref. */
	lines(): Line[] {
		const lines = this.#lines.entries().map(([, line]): Line => {
			const entries = line.entries.entries().map(([, entry]) => entry);
			const group = this.section === 'labs' ? (entries[0] && isFlagged(entries[0].fact) ? 0 : 1) : line.group;
			return { ...line, group, entries, titles: line.titles.entries().map(([, title]) => title) };
		});
		const order = ({ entries: [first] }: Line) => {
			if (!first) return '';
			return [newestFirst(first.fact.date), folded(first.fact.title), first.ref].join('\u0000');
		};
		const keyed = lines.map((line) => ({ line, key: order(line) }));
		return keyed.sort((a, b) => a.line.group - b.line.group || compare(a.key, b.key)).map(({ line }) => line);
	}

	#keyOf(fact: Fact, type: string, ref: string): string {
		if (countedOnly(this.section, type)) return type;
		const { by } = RULES[this.section];
		if (by === 'own') return `${newestFirst(fact.date)}|${ref}`;
		const code = keyOfCodes(fact.codes) ?? `text|${folded(fact.title)}`;
		// Kinds that share a section do not share lines: a goal is no order.
		const kind = /^Medication/.test(type) ? '' : type;
		return by === 'date' ? `${newestFirst(fact.date && dayOf(fact.date))}|${kind}|${code}` : `${kind}|${code}`;
	}
}

export function isFlagged(fact: Fact): boolean {
	return fact.flag !== null || fact.parts.some(({ flag }) => flag !== null);
}

function same(kept: Entry, entry: Entry): Entry {
	const [first, other] = placeOf(kept) <= placeOf(entry) ? [kept, entry] : [entry, kept];
	return { ...first, sources: union(first.sources, other.sources) };
}

/** References begin with the position of their source; their order within one is that of their text. */
const placeOf = ({ ref, fact }: Entry) => `${ref}\u0000${JSON.stringify(fact)}`;

const union = (some: number[], more: number[]) => [...new Set([...some, ...more])].sort((a, b) => a - b);

const folded = (title: string) => title.normalize('NFKC').toLowerCase();

/** Results of one day are told apart by their time, other things are not. */
function pointOf(fact: Fact): string | null {
	return fact.date && (isMeasured(fact) ? fact.date : dayOf(fact.date));
}

const isMeasured = ({ value, parts }: Fact) => value !== null || parts.length > 0;

/** What has to agree, besides the code and the date, for two to be the same. */
function identity(fact: Fact, type: string): string {
	const values = [fact, ...fact.parts].map(({ value }) => (value ? `${value.text} ${value.unit}` : '')).join('|');
	return /^Medication/.test(type) ? fact.details.join('|').slice(0, 500) : values;
}

/** A text that sorts the newest date first and none last. */
function newestFirst(date: string | null): string {
	if (date === null) return '~~';
	return `${sortable(date).replace(/\d/g, (digit) => String(9 - Number(digit)))}~`;
}

/** Code systems that several sources have in common, in the order in which they are looked for. */
const SYSTEMS: [string, RegExp][] = [
	['snomed', /snomed\.info\/sct|2\.16\.840\.1\.113883\.6\.96$/],
	['rxnorm', /umls\/rxnorm|2\.16\.840\.1\.113883\.6\.88$/],
	['loinc', /loinc\.org|2\.16\.840\.1\.113883\.6\.1$/],
	['cvx', /sid\/cvx|2\.16\.840\.1\.113883\.12\.292$/],
	['icd10', /icd-10|2\.16\.840\.1\.113883\.6\.90$/i],
	['icd9', /icd-9|2\.16\.840\.1\.113883\.6\.103$/i],
	['cpt', /ama-assn\.org\/go\/cpt|2\.16\.840\.1\.113883\.6\.12$/],
	['ndc', /sid\/ndc|2\.16\.840\.1\.113883\.6\.69$/],
];

/** One of the codes, the same whatever their order; null where none has a system. */
function keyOfCodes(codes: readonly Code[]): string | null {
	const keys = codes.flatMap(({ system, code }) => {
		if (system === null) return [];
		const known = SYSTEMS.findIndex(([, url]) => url.test(system));
		return [known < 0 ? `x|${system}|${code}` : `${known}|${code}`];
	});
	return keys.sort(compare)[0] ?? null;
}
