/** What was asked for a section and what became of it: a failure never looks like nothing. */

import type { QueryReport } from '../../contract.js';
import { isGap } from '../../report.js';
import type { Section } from '../clinical/fact.js';
import type { Index, SourceEntry } from '../files/records.js';
import { clean } from '../json.js';
import { plain } from './markdown.js';
import { RULES } from './sections.js';
import { tagOf, tagsOf } from './tags.js';

export function kindOf({ query }: QueryReport): string {
	return /^[A-Za-z]{1,64}(?=[/?]|$)/.exec(query)?.[0] ?? 'something else';
}

/** Values of `category`, without their systems. */
function categoriesOf({ query }: QueryReport): string[] {
	const value = /[?&]category=([^&]*)/.exec(query)?.[1] ?? '';
	return value.split(/,|%2C/i).flatMap((one) => one.split(/\||%7C/i).at(-1) || []);
}

/** Every category that some section is about: what none is about may be about any. */
const CATEGORIES = new Set(Object.values(RULES).flatMap(({ categories }) => categories ?? []));

function isAbout(section: Section, query: QueryReport): boolean {
	const { main, also = [], categories } = RULES[section];
	const kind = kindOf(query);
	if (![...main.flat(), ...also].includes(kind)) return false;
	const asked = categoriesOf(query);
	if (!categories || asked.length === 0) return true;
	return asked.some((one) => categories.includes(one) || !CATEGORIES.has(one));
}

interface State {
	answered: boolean;
	/** Kinds that make the section and that nobody asked for. */
	unasked: string[];
	/** Kinds, each with how it went: `MedicationRequest refused`. */
	missing: string[];
	/** `Condition (2026-11-19T08:00:00Z)` */
	older: string[];
	partly: string[];
}

/** @param found whether something in the section is from the source */
function stateOf(section: Section, source: SourceEntry, found: boolean): State {
	const about = source.queries.filter((query) => isAbout(section, query));
	const mains = RULES[section].main.flat();
	const main = about.filter((query) => mains.includes(kindOf(query)));
	const gaps = about.filter(isGap);
	const kept = gaps.filter(({ keptFrom }) => keptFrom !== undefined);
	const notes = Object.keys(source.notes ?? {}).filter((type) => mains.includes(type));
	// What others brought along needs no query of its own.
	const isThere = (kind: string) => (kind === 'Observation' ? found : (source.types[kind] ?? 0) > 0);
	// DSTU2 has no CareTeam.
	const kinds = RULES[section].main.map((kind) => [kind].flat());
	return {
		answered: main.some((query) => query.status === 'ok' || query.status === 'empty' || kept.includes(query)),
		unasked: kinds
			.filter(([name]) => name !== 'CareTeam' || !source.fhirVersion?.startsWith('1.'))
			.filter((names) => !names.some((name) => isThere(name) || main.some((query) => kindOf(query) === name)))
			.flatMap(([name = '']) => name),
		missing: [
			...new Set(gaps.filter((query) => !kept.includes(query)).map((query) => `${kindOf(query)} ${query.status}`)),
		].sort(),
		older: [
			...new Set(kept.map((query) => `${kindOf(query)} as of ${clean(query.keptFrom, 40) ?? 'an unknown time'}`)),
		].sort(),
		partly: notes.sort(),
	};
}

/**
 * Lines that say what is missing in a section, and in an empty one why it is empty.
 * @param found positions of the sources that something in it is from
 * @param retracted whether something was taken back: that it says `none known` and was refuted is no None
 */
export function gapsOf(
	section: Section,
	{ sources, redaction }: Index,
	found: ReadonlySet<number>,
	retracted = false,
): string[] {
	const states = sources.map((source, i) => ({
		...stateOf(section, source, found.has(i)),
		tag: tagOf(i),
		found: found.has(i),
	}));
	const told = (of: typeof states, words: (state: (typeof states)[number]) => string[]) =>
		of.map((state) => `${state.tag} (${plain(words(state).join(', '))})`).join('; ');
	const lines: string[] = [];
	const unread = states.filter(({ answered, missing }) => !answered && missing.length > 0);
	const gappy = states.filter(({ answered, missing }) => answered && missing.length > 0);
	const unasked = states.filter(({ answered, missing, found }) => !answered && missing.length === 0 && !found);
	const partlyAsked = states.filter((state) => state.unasked.length > 0 && !unasked.includes(state));
	const partly = states.filter((state) => state.partly.length > 0);
	const older = states.filter((state) => state.older.length > 0);
	if (unread.length > 0)
		lines.push(
			`**Could not be read:** ${told(unread, ({ missing }) => missing)}. It does not mean that there is nothing.`,
		);
	if (gappy.length > 0) lines.push(`**Not fully read:** ${told(gappy, ({ missing }) => missing)}. There may be more.`);
	if (partly.length > 0)
		lines.push(
			`**Not fully read:** ${told(partly, (state) => state.partly)}: asked for by some values only. There may be more.`,
		);
	if (older.length > 0) lines.push(`From an older reading: ${told(older, (state) => state.older)}.`);
	if (unasked.length > 0)
		lines.push(`Not asked for: ${tagsOf(unasked.map(({ tag }) => tag))}. Nobody knows whether there is any.`);
	const kinds = [...new Set(partlyAsked.flatMap((state) => state.unasked))];
	if (kinds.length > 0) {
		const of = (kind: string) => partlyAsked.filter((state) => state.unasked.includes(kind)).map(({ tag }) => tag);
		const each = kinds.map((kind) => `${kind} (${tagsOf(of(kind))})`).join(', ');
		lines.push(`Not asked for: ${each}. Nobody knows whether there is any.`);
	}
	if (found.size > 0) return lines;
	const removed = redaction === null ? '' : ' (the person had something removed before sending: see Sources)';
	const hidden = `${retracted ? ', but for what was taken back' : ''}${removed}`;
	const clear = states.filter(({ answered, missing, partly }) => answered && missing.length + partly.length === 0);
	const none = clear.filter((state) => state.unasked.length === 0);
	const some = clear.filter((state) => state.unasked.length > 0);
	if (some.length > 0)
		lines.push(`None of the kinds that were asked for: ${tagsOf(some.map(({ tag }) => tag))}${hidden}.`);
	if (none.length > 0 && lines.length === 0) lines.push(`None in these records${hidden}.`);
	else if (none.length > 0) lines.push(`None in the records of ${tagsOf(none.map(({ tag }) => tag))}${hidden}.`);
	return lines;
}
