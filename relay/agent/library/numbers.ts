/**
 * Numbers as they were served. JSON.parse makes 1.5 of `1.50`, and of more digits than a double has fewer; what a lab wrote is
 * not ours to change. (A reviver sees the source text from Node 21 on only.)
 */
import { endOfString } from './strings.js';

/** There may be a number that JavaScript writes otherwise: it ends in 0 after a point, has an exponent, or many digits. */
const UNUSUAL = /[:,[]\s*-?(?:\d+\.\d*0(?!\d)|\d+(?:\.\d+)?[eE]|0\.000000|[\d.]{16})/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The same JSON, with each such number as the string of its text: `{"value":"1.50"}`. */
export function keepNumbers(json: string): string {
	if (!UNUSUAL.test(json)) return json;
	const parts: string[] = [];
	for (let at = 0; at < json.length; ) {
		const quote = json.indexOf('"', at);
		const end = quote < 0 ? json.length : quote;
		parts.push(
			json.slice(at, end).replace(NUMBER, (number) => (String(Number(number)) === number ? number : `"${number}"`)),
		);
		at = quote < 0 ? end : endOfString(json, quote);
		parts.push(json.slice(end, at));
	}
	return parts.join('');
}
