/** Who the records are about, from each source, and whether the sources agree. */

import type { Fact } from '../clinical/fact.js';
import { Smallest } from '../clinical/smallest.js';
import { dateOf, dayOf } from '../dates.js';
import type { Index } from '../files/records.js';
import { clean, type Json } from '../json.js';
import { plain, verbatim } from './markdown.js';
import { RULES } from './sections.js';
import { tagOf, tagsOf } from './tags.js';

interface Person {
	source: number;
	ref: string | null;
	name: string | null;
	birthDate: string | null;
	fact: Fact | null;
}

/** What has to agree, by what it is called. */
type What = 'birth date' | 'name' | 'gender';
interface Said {
	value: string;
	sources: number[];
	/** By the wallet alone, and by no Patient. */
	wallet: boolean;
}

/** Different values that are compared, of each. */
const VALUES = 64;
/** Of them, in a sentence. */
const SHOWN = 6;

export class Identity {
	readonly #people = new Smallest<Person>(RULES.patient.lines);
	readonly #said: Record<What, Smallest<Said>> = {
		'birth date': new Smallest(VALUES),
		name: new Smallest(VALUES),
		gender: new Smallest(VALUES),
	};
	readonly #sources = new Set<number>();
	#count = 0;

	constructor(readonly index: Index) {
		for (const [source, { patient }] of index.sources.entries()) {
			const birthDate = dateOf(patient.birthDate);
			this.#say('birth date', birthDate && dayOf(birthDate), source, true);
			this.#say('name', clean(patient.name), source, true);
		}
	}

	add(fact: Fact, { id, gender }: Json, ref: string, source: number): void {
		this.#count++;
		this.#sources.add(source);
		const own = this.index.sources[source]?.patient.id === id ? 0 : 1;
		const name = fact.title === 'Patient' ? null : fact.title;
		const birthDate = fact.date && dayOf(fact.date);
		const person: Person = { source, ref, name, birthDate, fact };
		this.#say('birth date', birthDate, source, false);
		this.#say('name', name, source, false);
		this.#say('gender', clean(gender, 20)?.toLowerCase() ?? null, source, false);
		// Those whom the sources were asked about come first, wherever there are too many.
		const key = `${own}|${String(source).padStart(4, '0')}|${ref}|${JSON.stringify(fact)}`;
		this.#people.add(
			key,
			() => person,
			(kept) => kept,
		);
	}

	#say(what: What, value: string | null, source: number, wallet: boolean): void {
		if (value === null) return;
		this.#said[what].add(
			value,
			() => ({ value, sources: [source], wallet }),
			(kept) => ({
				value,
				sources: [...new Set([...kept.sources, source])].sort((a, b) => a - b),
				wallet: kept.wallet && wallet,
			}),
		);
	}

	/** What is to be said before anything else, lines, and which sources have a Patient. */
	lines(): { attention: string[]; lines: string[]; sources: ReadonlySet<number> } {
		const found = this.#people.entries().map(([, person]) => person);
		// A source without a Patient among its records is known by what the wallet says of it.
		const told = this.index.sources.flatMap(({ patient }, source): Person[] => {
			const name = clean(patient.name);
			const birthDate = dateOf(patient.birthDate);
			if (this.#sources.has(source) || (name === null && birthDate === null)) return [];
			return [{ source, ref: null, name, birthDate: birthDate && dayOf(birthDate), fact: null }];
		});
		const shown = told.slice(0, RULES.patient.lines);
		const more = this.#count - found.length;
		return {
			attention: this.#disagreements(),
			lines: [
				...[...found, ...shown].map(lineOf),
				...(more > 0 ? [`- and ${more} more: search kind \`Patient\``] : []),
				...(told.length > shown.length ? [`- and ${told.length - shown.length} more sources: see \`index.json\``] : []),
			],
			sources: this.#sources,
		};
	}

	#disagreements(): string[] {
		const clashes: Record<What, (one: string, other: string) => boolean> = {
			// A year agrees with a day of that year.
			'birth date': (one, other) => !one.startsWith(other) && !other.startsWith(one),
			name: (one, other) => !agree(one, other),
			gender: (one, other) => one !== other && one !== 'unknown' && other !== 'unknown',
		};
		return (Object.keys(clashes) as What[]).flatMap((what) => {
			const said = this.#said[what].entries().map(([, one]) => one);
			const clash = said.some((one) => said.some((other) => clashes[what](one.value, other.value)));
			if (!clash) return [];
			const values = said
				.toSorted((one, other) => (one.sources[0] ?? 0) - (other.sources[0] ?? 0))
				.slice(0, SHOWN)
				.map(({ value, sources, wallet }) => {
					return `${plain(value)} (${tagsOf(sources.map(tagOf))}${wallet ? ', as the wallet says' : ''})`;
				});
			const more = said.length > SHOWN ? ` and ${said.length - SHOWN} more` : '';
			return [
				`**ATTENTION: the records do not agree on the ${what}:** ${values.join(', ')}${more}. They may be of more than one person.`,
			];
		});
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
