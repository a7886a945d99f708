/** What a reader of one kind of resource gives; `factOf` adds what is missing. */

import { dateOf } from '../dates.js';
import { all, at, clean, type Json, labelled, list, record, texts, word } from '../json.js';
import { titlesOf } from './concept.js';
import type { Fact, Resolve } from './fact.js';

/** Of what says nothing: what a fact has that has nothing else. */
export const NOTHING: Omit<Fact, 'title'> = {
	section: 'other',
	date: null,
	end: null,
	codes: [],
	status: null,
	value: null,
	range: null,
	flag: null,
	details: [],
	parts: [],
	retracted: false,
};

type Told = Partial<Fact> & Pick<Fact, 'section'>;
export type Reader = (resource: Json, resolve: Resolve) => Omit<Told, 'title'> & { title: string | null };

/** The days of `performed[x]`, `occurrence[x]`, `effective[x]`, `onset[x]`: where it began and ended. */
export function whenOf(resource: Json, ...names: string[]): { date: string | null; end: string | null } {
	for (const name of names) {
		const period = record(resource[`${name}Period`]);
		const timing = record(resource[`${name}Timing`]);
		const date = dateOf(
			resource[`${name}DateTime`],
			resource[`${name}Date`],
			resource[`${name}Instant`],
			period.start,
			timing.event,
			at(timing, 'repeat.boundsPeriod.start'),
			resource[name],
		);
		const end = dateOf(period.end, at(timing, 'repeat.boundsPeriod.end'));
		if (date !== null || end !== null) return { date, end };
	}
	return { date: null, end: null };
}

/** HumanName of any version: DSTU2 has several families. */
export function personName(value: unknown): string | null {
	const names = list(value).map(record);
	const ranked = ['official', 'usual'].flatMap((use) => names.filter((name) => name.use === use));
	for (const name of [...ranked, ...names.filter(({ use }) => use !== 'old'), ...names]) {
		const spelt = [name.prefix, name.given, name.family, name.suffix]
			.flatMap(list)
			.flatMap((part) => clean(part) ?? []);
		const text = clean(name.text) ?? clean(spelt.join(' '));
		if (text !== null) return text;
	}
	return typeof value === 'string' ? clean(value) : null;
}

/** The name of whom or what a reference means: its display, else what it leads to. */
export function namesOf(references: unknown, resolve: Resolve): string | null {
	return (
		texts(
			...list(references)
				.slice(0, 6)
				.map((one) => nameOf(one, resolve)),
		).join(', ') || null
	);
}

function nameOf(value: unknown, resolve: Resolve, deeper = true): string | null {
	const { display, reference, concept } = record(value);
	if (concept !== undefined) return titlesOf(concept);
	// R5: CodeableReference has a Reference within.
	if (typeof reference === 'object' && deeper) return nameOf(reference, resolve, false);
	const shown = clean(display);
	if (shown !== null) return shown;
	const found = typeof reference === 'string' ? resolve(reference) : null;
	if (!found) return null;
	const { name, code, practitioner } = found;
	const own = personName(name) ?? titlesOf(code);
	return own ?? (practitioner !== undefined && deeper ? nameOf(practitioner, resolve, false) : null);
}

/** `note: …`, of every version. */
export function noteOf(resource: Json): string | null {
	return labelled('note', word(resource, 'note.text', 'note', 'notes', 'comment', 'comments'));
}

/** `reason[x]` of every version. */
export function reasonOf(resource: Json, resolve: Resolve): string | null {
	const { reasonCode, reasonCodeableConcept, reason, indication, reasonReference } = resource;
	const coded = titlesOf(reasonCode) ?? titlesOf(reasonCodeableConcept) ?? titlesOf(all(reason, 'use.concept'));
	const found =
		coded ?? titlesOf(reason) ?? namesOf([...list(reason), ...list(reasonReference), ...list(indication)], resolve);
	return labelled('reason', found ?? namesOf(all(reason, 'value'), resolve));
}
