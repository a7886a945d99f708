/** A half-open range of octets. */
export type Span = readonly [start: number, end: number];

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
/** The bit in which `[` and `{`, and `]` and `}`, differ. */
const BRACE = 32;

/**
 * Where the `resource` of each `entry` stands in a Bundle's octets, in the order of `entry`; null where an entry has
 * none. Like JSON.parse, the last of several members of one name counts.
 *
 * @param json must be JSON in UTF-8 (JSON.parse has accepted its text): what that checks is not checked again here.
 */
export function resourceSpans(json: Uint8Array): (Span | null)[] {
	let spans: (Span | null)[] = [];
	eachMember(json, 0, 'entry', (value) => {
		spans = [];
		return json[value] === OPEN_ARRAY ? entrySpans(json, value, spans) : skipValue(json, value);
	});
	return spans;
}

/** Adds the span of each element's resource; the index after the array that begins at `from`. */
function entrySpans(json: Uint8Array, from: number, spans: (Span | null)[]): number {
	let at = skipSpace(json, from + 1);
	while (json[at] !== CLOSE_ARRAY) {
		let span: Span | null = null;
		const take = (value: number) => {
			const end = skipValue(json, value);
			span = [value, end];
			return end;
		};
		at = skipSpace(json, json[at] === OPEN_OBJECT ? eachMember(json, at, 'resource', take) : skipValue(json, at));
		spans.push(span);
		if (json[at] === COMMA) at = skipSpace(json, at + 1);
	}
	return at + 1;
}

/**
 * Goes through the object that begins at or after `from`; the index after it.
 * @param take called with where the value of each member `name` begins; returns the index after that value
 */
function eachMember(json: Uint8Array, from: number, name: string, take: (value: number) => number): number {
	let at = skipSpace(json, from);
	if (json[at] !== OPEN_OBJECT) return at;
	at = skipSpace(json, at + 1);
	while (json[at] !== CLOSE_OBJECT) {
		const keyEnd = skipString(json, at);
		const value = skipSpace(json, skipSpace(json, keyEnd) + 1);
		at = skipSpace(json, isName(json, at + 1, keyEnd - 1, name) ? take(value) : skipValue(json, value));
		if (json[at] === COMMA) at = skipSpace(json, at + 1);
	}
	return at + 1;
}

/** Whether the octets of a string spell `name` (ASCII), with or without escapes. */
function isName(json: Uint8Array, start: number, end: number, name: string): boolean {
	for (let i = 0; i < name.length; i++) {
		const octet = json[start + i];
		if (octet === BACKSLASH) return JSON.parse(`"${new TextDecoder().decode(json.subarray(start, end))}"`) === name;
		if (octet !== name.charCodeAt(i)) return false;
	}
	return end - start === name.length;
}

/** The index after white space (RFC 8259, section 2). */
function skipSpace(json: Uint8Array, from: number): number {
	let at = from;
	for (;;) {
		const octet = json[at];
		if (octet !== 32 && octet !== 10 && octet !== 13 && octet !== 9) return at;
		at++;
	}
}

/** From here on the platform's own search is faster than a loop. */
const LONG = 48;

/** The index after the string that begins at `from`. */
function skipString(json: Uint8Array, from: number): number {
	let at = from + 1;
	const near = at + LONG;
	while (at < near) {
		const octet = json[at++];
		if (octet === QUOTE) return at;
		if (octet === BACKSLASH) at++;
	}
	for (;;) {
		const quote = json.indexOf(QUOTE, at);
		let slashes = 0;
		while (json[quote - 1 - slashes] === BACKSLASH) slashes++;
		at = quote + 1;
		if (slashes % 2 === 0) return at;
	}
}

/** The index after the value that begins at `from`. */
function skipValue(json: Uint8Array, from: number): number {
	const first = json[from];
	if (first === QUOTE) return skipString(json, from);
	let at = from;
	if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
		let depth = 0;
		do {
			const octet = json[at] as number;
			if (octet === QUOTE) {
				at = skipString(json, at);
				continue;
			}
			const kind = octet | BRACE;
			if (kind === OPEN_OBJECT) depth++;
			else if (kind === CLOSE_OBJECT) depth--;
			at++;
		} while (depth > 0);
		return at;
	}
	for (; at < json.length; at++) {
		const octet = json[at] as number;
		if (octet === COMMA || octet === CLOSE_ARRAY || octet === CLOSE_OBJECT || octet <= 32) break;
	}
	return at;
}

/**
 * JSON on one line, otherwise as it was: a raw line end cannot stand inside a JSON string, so line ends and the
 * indentation after them go, and nothing else does.
 */
export function oneLine(json: Uint8Array): Uint8Array {
	if (!json.includes(10) && !json.includes(13)) return json;
	const line = new Uint8Array(json.length);
	let length = 0;
	let ended = false;
	for (let at = 0; at < json.length; at++) {
		const octet = json[at] as number;
		if (octet === 10 || octet === 13) ended = true;
		else if (!ended || (octet !== 32 && octet !== 9)) {
			ended = false;
			line[length++] = octet;
		}
	}
	return line.subarray(0, length);
}

/** Without white space before and after. */
export function trim(json: Uint8Array): Uint8Array {
	let end = json.length;
	while (end > 0 && (json[end - 1] as number) <= 32) end--;
	return json.subarray(Math.min(skipSpace(json, 0), end), end);
}
