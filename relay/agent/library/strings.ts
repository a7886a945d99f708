/** Where strings are in JSON. Not by a regular expression: one over a string of 30 MB overflows its stack. */

/** Just after the string that begins with the quote at `start`. */
export function endOfString(json: string, start: number): number {
	for (let at = json.indexOf('"', start + 1); at >= 0; at = json.indexOf('"', at + 1)) {
		let first = at;
		while (json[first - 1] === '\\') first--;
		if ((at - first) % 2 === 0) return at + 1;
	}
	return json.length;
}
