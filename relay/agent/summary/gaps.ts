/** What was asked for a section and what became of it: a failure never looks like nothing. */

import { isGap, type QueryReport } from '../../contract.js';
import type { Section } from '../clinical/fact.js';
import { clean } from '../clinical/shape.js';
import type { Index, SourceEntry } from '../files/records.js';
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
	if (![...main, ...also].includes(kind)) return false;
	const asked = categoriesOf(query);
	if (!categories || asked.length === 0) return true;
	return asked.some((one) => categories.includes(one) || !CATEGORIES.has(one));
}

interface State {
	answered: boolean;
	/** Kinds, each with how it went: `MedicationRequest refused`. */
	missing: string[];
	/** `Condition (2026-11-19T08:00:00Z)` */
	older: string[];
	partly: string[];
}

function stateOf(section: Section, source: SourceEntry): State {
	const about = source.queries.filter((query) => isAbout(section, query));
	const main = about.filter((query) => RULES[section].main.includes(kindOf(query)));
	const gaps = about.filter(isGap);
	const kept = gaps.filter(({ keptFrom }) => keptFrom !== undefined);
	const notes = Object.keys(source.notes ?? {}).filter((type) => RULES[section].main.includes(type));
	return {
		answered: main.some((query) => query.status === 'ok' || query.status === 'empty' || kept.includes(query)),
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
 */
export function gapsOf(section: Section, { sources, redaction }: Index, found: ReadonlySet<number>): string[] {
	const states = sources.map((source, i) => ({ ...stateOf(section, source), tag: tagOf(i), found: found.has(i) }));
	const told = (of: typeof states, words: (state: (typeof states)[number]) => string[]) =>
		of.map((state) => `${state.tag} (${plain(words(state).join(', '))})`).join('; ');
	const lines: string[] = [];
	const unread = states.filter(({ answered, missing }) => !answered && missing.length > 0);
	const gappy = states.filter(({ answered, missing }) => answered && missing.length > 0);
	const unasked = states.filter(({ answered, missing, found }) => !answered && missing.length === 0 && !found);
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
	if (found.size > 0) return lines;
	const hidden = redaction === null ? '' : ' (the person had something removed before sending: see Sources)';
	const none = states.filter(({ answered, missing, partly }) => answered && missing.length + partly.length === 0);
	if (none.length > 0 && lines.length === 0) lines.push(`None in these records${hidden}.`);
	else if (none.length > 0) lines.push(`None in the records of ${tagsOf(none.map(({ tag }) => tag))}${hidden}.`);
	return lines;
}
