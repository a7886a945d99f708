/** The words of `text.div`, which some resources have in place of anything coded. */
import { Parser } from 'htmlparser2';
import { at, clean, type Json } from './shape.js';

/** Characters of XHTML that are looked at, and of text that is kept. */
const LOOKED_AT = 20_000;
const KEPT = 300;

export function narrativeOf(resource: Json): string | null {
	const div = at(resource, 'text.div');
	if (typeof div !== 'string') return null;
	let text = '';
	let hidden = 0;
	const parser = new Parser({
		onopentag: (name) => {
			if (name === 'script' || name === 'style') hidden++;
			text += ' ';
		},
		onclosetag: (name) => {
			if (name === 'script' || name === 'style') hidden--;
			text += ' ';
		},
		ontext: (part) => {
			if (hidden <= 0) text += part;
		},
	});
	parser.end(div.slice(0, LOOKED_AT));
	return clean(text.replace(/\s+/g, ' '), KEPT);
}
