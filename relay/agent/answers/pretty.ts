/** JSON for people to read, faithful to its text: numbers and strings stay as they were served. */
import { endOfString } from '../library/strings.js';

/** Whatever is no string. */
const TOKEN = /[{}[\],:]|[^\s{}[\],:"]+/y;
const SPACE = /\s*/y;
/** Base64 of more than a few lines tells nobody anything. */
const LONG = 400;
const BASE64 = /^[A-Za-z0-9+/=]*$/;
const DEEPEST = 40;

/** @param json which parses */
export function pretty(json: string): string {
	const parts: string[] = [];
	let depth = 0;
	let before = '';
	const line = () => parts.push(`\n${'  '.repeat(Math.min(depth, DEEPEST))}`);
	for (const token of tokens(json)) {
		const opened = before === '{' || before === '[';
		if (token === '}' || token === ']') {
			depth--;
			if (!opened) line();
		} else if (opened) line();
		parts.push(isData(token) ? `"(${token.length - 2} characters of base64)"` : token);
		if (token === '{' || token === '[') depth++;
		else if (token === ',') line();
		else if (token === ':') parts.push(' ');
		before = token;
	}
	return parts.join('');
}

function isData(token: string): boolean {
	return token.length > LONG && token.startsWith('"') && BASE64.test(token.slice(1, -1));
}

function* tokens(json: string): Generator<string, void, void> {
	for (let at = 0; ; ) {
		SPACE.lastIndex = at;
		SPACE.test(json);
		at = SPACE.lastIndex;
		if (at >= json.length) return;
		TOKEN.lastIndex = at;
		const end = json[at] === '"' ? endOfString(json, at) : TOKEN.test(json) ? TOKEN.lastIndex : json.length;
		yield json.slice(at, end);
		at = end;
	}
}
