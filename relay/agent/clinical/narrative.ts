/** The words of `text.div`, which some resources have in place of anything coded. */
import { Tokenizer } from 'htmlparser2';
import { at, clean, type Json } from '../json.js';

/** Characters of XHTML that are looked at, and of text that is kept. */
const LOOKED_AT = 20_000;
const KEPT = 300;

export function narrativeOf(resource: Json): string | null {
	const div = at(resource, 'text.div');
	return typeof div === 'string' ? clean(withoutTags(div.slice(0, LOOKED_AT)).replace(/\s+/g, ' '), KEPT) : null;
}

/** The words of XHTML, entities resolved, without what a page does not show. By tokens alone: a parser looks for the beginning of every end, which a record can make take hours. */
export function withoutTags(html: string): string {
	if (!/[<&]/.test(html)) return html;
	const words: string[] = [];
	let hidden = false;
	const name = (start: number, end: number) => /^(?:script|style)$/i.test(html.slice(start, end));
	const nothing = () => undefined;
	const tokenizer = new Tokenizer(
		{ xmlMode: false, decodeEntities: true },
		{
			ontext: (start, end) => {
				if (!hidden) words.push(html.slice(start, end));
			},
			ontextentity: (codePoint) => {
				if (!hidden) words.push(String.fromCodePoint(codePoint));
			},
			onopentagname: (start, end) => {
				words.push(' ');
				hidden = name(start, end);
			},
			onclosetag: (start, end) => {
				if (name(start, end)) hidden = false;
			},
			onselfclosingtag: () => {
				hidden = false;
			},
			onattribdata: nothing,
			onattribentity: nothing,
			onattribend: nothing,
			onattribname: nothing,
			oncdata: (start, end) => words.push(html.slice(start, end)),
			oncomment: nothing,
			ondeclaration: nothing,
			onend: nothing,
			onopentagend: nothing,
			onprocessinginstruction: nothing,
		},
	);
	tokenizer.write(html);
	tokenizer.end();
	return words.join('');
}
