/** A half-open range of a text. */
export type Span = readonly [start: number, end: number];

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Where the `resource` of each `entry` stands in a Bundle's text, in the order of `entry`; null where an entry has
 * none. Like JSON.parse, the last of several members of one name counts.
 *
 * @param text must be JSON (JSON.parse has accepted it): what that checks is not checked again here.
 */
export function resourceSpans(text: string): (Span | null)[] {
	const entry = memberSpan(text, 0, 'entry');
	if (!entry || text[entry[0]] !== '[') return [];
	const spans: (Span | null)[] = [];
	let at = skipSpace(text, entry[0] + 1);
	while (text[at] !== ']') {
		spans.push(text[at] === '{' ? memberSpan(text, at, 'resource') : null);
		at = skipSpace(text, skipValue(text, at));
		if (text[at] === ',') at = skipSpace(text, at + 1);
	}
	return spans;
}

/** Where the value of the member `name` of the object that begins at or after `from` stands. */
function memberSpan(text: string, from: number, name: string): Span | null {
	let at = skipSpace(text, from);
	if (text[at] !== '{') return null;
	let found: Span | null = null;
	at = skipSpace(text, at + 1);
	while (text[at] !== '}') {
		const keyEnd = skipString(text, at);
		const raw = text.slice(at + 1, keyEnd - 1);
		const key = raw.includes('\\') ? JSON.parse(`"${raw}"`) : raw;
		const value = skipSpace(text, skipSpace(text, keyEnd) + 1);
		const end = skipValue(text, value);
		if (key === name) found = [value, end];
		at = skipSpace(text, end);
		if (text[at] === ',') at = skipSpace(text, at + 1);
	}
	return found;
}

/** The index after white space (RFC 8259, section 2). */
function skipSpace(text: string, from: number): number {
	let at = from;
	for (;;) {
		const unit = text.charCodeAt(at);
		if (unit !== 32 && unit !== 10 && unit !== 13 && unit !== 9) return at;
		at++;
	}
}

/** The index after the string that begins at `from`. */
function skipString(text: string, from: number): number {
	let at = from;
	for (;;) {
		at = text.indexOf('"', at + 1);
		let slashes = 0;
		while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
		if (slashes % 2 === 0) return at + 1;
	}
}

/** The index after the value that begins at `from`. */
function skipValue(text: string, from: number): number {
	const first = text.charCodeAt(from);
	if (first === QUOTE) return skipString(text, from);
	let at = from;
	if (first === 123 || first === 91) {
		let depth = 0;
		do {
			const unit = text.charCodeAt(at);
			if (unit === QUOTE) {
				at = skipString(text, at);
				continue;
			}
			if (unit === 123 || unit === 91) depth++;
			else if (unit === 125 || unit === 93) depth--;
			at++;
		} while (depth > 0);
		return at;
	}
	while (at < text.length && !',]} \n\r\t'.includes(text.charAt(at))) at++;
	return at;
}

/**
 * JSON on one line, otherwise as it was: a raw line end cannot stand inside a JSON string, so line ends and the
 * indentation after them go, and nothing else does.
 */
export function oneLine(json: string): string {
	return /[\r\n]/.test(json) ? json.replace(/[\r\n][ \t\r\n]*/g, '') : json;
}
