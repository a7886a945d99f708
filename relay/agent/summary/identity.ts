/** Who the records are about, from each source, and whether the sources agree. */
import { dateOf, dayOf } from '../clinical/date.js';
import type { Fact } from '../clinical/fact.js';
import { clean } from '../clinical/shape.js';
import { Smallest } from '../clinical/smallest.js';
import type { Index } from '../files/records.js';
import { plain, verbatim } from './markdown.js';
import { RULES } from './sections.js';
import { tagOf } from './tags.js';

interface Person {
	source: number;
	ref: string | null;
	name: string | null;
	birthDate: string | null;
	fact: Fact | null;
}

export class Identity {
	readonly #people = new Smallest<Person>(RULES.patient.lines);
	#count = 0;

	constructor(readonly index: Index) {}

	add(fact: Fact, id: unknown, ref: string, source: number): void {
		this.#count++;
		const own = this.index.sources[source]?.patient.id === id ? 0 : 1;
		const name = fact.title === 'Patient' ? null : fact.title;
		const person: Person = { source, ref, name, birthDate: fact.date && dayOf(fact.date), fact };
		// Those whom the sources were asked about come first, wherever there are too many.
		const key = `${own}|${String(source).padStart(4, '0')}|${ref}|${JSON.stringify(fact)}`;
		this.#people.add(
			key,
			() => person,
			(kept) => kept,
		);
	}

	/** Lines, and which sources have a Patient. */
	lines(): { lines: string[]; sources: ReadonlySet<number> } {
		const found = this.#people.entries().map(([, person]) => person);
		// A source without a Patient among its records is known by what the wallet says of it.
		const told = this.index.sources.slice(0, RULES.patient.lines).flatMap(({ patient }, source): Person[] => {
			const name = clean(patient.name);
			const birthDate = dateOf(patient.birthDate);
			if (found.some((one) => one.source === source) || (name === null && birthDate === null)) return [];
			return [{ source, ref: null, name, birthDate, fact: null }];
		});
		const people = [...found, ...told];
		const more = this.#count - found.length;
		return {
			lines: [
				...disagreements(people),
				...people.map(lineOf),
				...(more > 0 ? [`- and ${more} more: search kind \`Patient\``] : []),
			],
			sources: new Set(found.map(({ source }) => source)),
		};
	}
}

function lineOf({ source, ref, name, birthDate, fact }: Person): string {
	const death = fact?.end ? ` on ${dayOf(fact.end)}` : '';
	const said = [
		birthDate === null ? 'no birth date' : `born ${birthDate}`,
		...(fact?.status === 'deceased' ? [`DECEASED${death}`] : []),
		...(fact?.details ?? ['as the wallet says; there is no Patient among the records']),
	];
	const where = ref === null ? '' : ` ${verbatim(ref)}`;
	return `- **${plain(name ?? 'No name')}**: ${plain(said.join('; '))} — ${tagOf(source)}${where}`;
}

function disagreements(people: Person[]): string[] {
	const lines: string[] = [];
	const say = (what: string, values: [string, number][]) => {
		const shown = values.slice(0, 6).map(([value, source]) => `${plain(value)} (${tagOf(source)})`);
		lines.push(
			`**ATTENTION: the records do not agree on the ${what}:** ${shown.join(', ')}. They may be of more than one person.`,
			'',
		);
	};
	const known = <T>(of: (person: Person) => T | null) =>
		people.flatMap((person): [T, number][] => {
			const value = of(person);
			return value === null ? [] : [[value, person.source]];
		});
	const births = known(({ birthDate }) => birthDate);
	// A year agrees with a day of that year.
	const clash = births.some(([one]) => births.some(([other]) => !one.startsWith(other) && !other.startsWith(one)));
	if (clash) say('birth date', births);
	const names = known(({ name }) => name);
	if (names.some(([one]) => names.some(([other]) => !agree(one, other)))) say('name', names);
	return lines;
}

/** Whether every part of the shorter name is in the longer one, an initial standing for a name. */
function agree(one: string, other: string): boolean {
	const [short, long] = [partsOf(one), partsOf(other)].sort((a, b) => a.length - b.length) as [string[], string[]];
	return short.every((part) => long.some((name) => name === part || isInitial(part, name) || isInitial(name, part)));
}

const isInitial = (one: string, name: string) => [...one].length === 1 && name.startsWith(one);

const TITLES = new Set(['mr', 'mrs', 'ms', 'miss', 'dr', 'prof', 'jr', 'sr', 'ii', 'iii', 'md', 'phd']);

function partsOf(name: string): string[] {
	const folded = name
		.normalize('NFKD')
		.replace(/\p{Mn}/gu, '')
		.toLowerCase();
	const parts = folded.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
	return parts.filter((part) => !TITLES.has(part));
}
