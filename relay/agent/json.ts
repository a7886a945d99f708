/** Looking into a resource that may have any shape: nothing here throws, and every text that comes out is bounded and clean. */

import { HIDDEN } from './characters.js';

export type Json = Record<string, unknown>;

/** Elements of one list that are looked at. */
const MOST = 200;
/** Characters of a text, if nothing else is said. */
const TEXT = 200;

/** An object of JSON: no list, no null. */
export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function record(value: unknown): Json {
	return isObject(value) ? value : {};
}

/** DSTU2 and R4 differ in what is a list: one thing is a list of one. */
export function list(value: unknown): unknown[] {
	if (Array.isArray(value)) return value.length > MOST ? value.slice(0, MOST) : value;
	return value === undefined || value === null ? [] : [value];
}

/** What is at `participant.individual`, through lists. */
export function all(value: unknown, path: string): unknown[] {
	let found = list(value);
	for (const name of path.split('.')) found = found.flatMap((item) => list(record(item)[name])).slice(0, MOST);
	return found;
}

/** The first of them. */
export function at(value: unknown, path: string): unknown {
	return all(value, path)[0];
}

/** The first of `paths` that has a text. */
export function word(value: unknown, ...paths: string[]): string | null {
	for (const path of paths)
		for (const one of all(value, path)) {
			const text = clean(one);
			if (text !== null) return text;
		}
	return null;
}

const CLEAN = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/**
 * A text in one line without control, format (bidirectional ones among them) and separator characters, white space folded,
 * lone surrogates replaced; of at most `most` characters, the last of them `…` where it was longer. Null where there is none.
 */
export function clean(value: unknown, most = TEXT): string | null {
	if (typeof value !== 'string') return null;
	// Nearly every text is so already.
	if (value.length <= most && CLEAN.test(value)) return value;
	const plain = value
		.slice(0, 8 * most)
		.replace(HIDDEN, '')
		.replace(/[\p{Cc}\p{Z}\s]+/gu, ' ')
		.replace(/\p{Cs}/gu, '\ufffd')
		.trim();
	const characters = [...plain];
	const long = characters.length > most || value.length > 8 * most;
	// Joined anew, and so a copy: a slice would keep the whole resource's text in memory.
	return (long ? `${characters.slice(0, most - 1).join('')}…` : characters.join('')) || null;
}

/** The texts that are there, each once. */
export function texts(...values: (string | null | undefined | false)[]): string[] {
	return [...new Set(values.filter((value): value is string => typeof value === 'string' && value !== ''))];
}

/** `label: text`, or nothing. */
export function labelled(label: string, text: string | null): string | null {
	return text === null ? null : `${label}: ${text}`;
}
