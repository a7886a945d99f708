/** CodeableConcept, Coding, CodeableReference (R5) and plain codes (DSTU2): one thing to a reader. */

import { all, clean, type Json, list, record, texts } from '../json.js';
import type { Code } from './fact.js';

/** Codes of one concept that are kept. */
const CODES = 12;

/** Of R5's CodeableReference those of its concept, which has none within it. */
export function codings(value: unknown): Json[] {
	return list(value).flatMap((one) => {
		const concept = conceptOf(one);
		const { coding, code, display, reference } = concept;
		if (coding !== undefined) return list(coding).map(record);
		const isCoding = typeof code === 'string' || (typeof display === 'string' && reference === undefined);
		return isCoding ? [concept] : [];
	});
}

function conceptOf(value: unknown): Json {
	const whole = record(value);
	return whole.concept === undefined ? whole : record(whole.concept);
}

export function codesOf(...values: unknown[]): Code[] {
	const found = new Map<string, Code>();
	for (const one of values.flatMap(codings)) {
		const code = clean(one.code, 80);
		if (code === null) continue;
		const system = clean(one.system);
		const key = `${system}|${code}`;
		if (!found.has(key) && found.size < CODES) found.set(key, { system, code, display: clean(one.display) });
	}
	return [...found.values()];
}

/** The concept's own text, else the first display, else the first code. */
export function titleOf(value: unknown): string | null {
	for (const one of list(value)) {
		if (typeof one === 'string') return clean(one);
		const { text } = conceptOf(one);
		const candidates = [text, ...codings(one).map(({ display }) => display), ...codings(one).map(({ code }) => code)];
		for (const candidate of candidates) {
			const found = clean(candidate);
			if (found !== null) return found;
		}
	}
	return null;
}

/** Every concept of a list, as a reader would say it. */
export function titlesOf(value: unknown): string | null {
	return texts(...list(value).slice(0, 12).map(titleOf)).join(', ') || null;
}

/** Everything that a category says, codes and texts, in lower case. */
export function wordsOf(value: unknown): string[] {
	const words = list(value).flatMap((one) => [
		...(typeof one === 'string' ? [one] : []),
		...codings(one).flatMap(({ code, display }) => [code, display]),
		...all(one, 'text'),
	]);
	return words.flatMap((one) => clean(one, 80)?.toLowerCase() ?? []);
}
