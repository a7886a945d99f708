/** Text of a record in Markdown: words, and nothing but words. */
import { clean } from '../json.js';

/**
 * What makes markup within a line, in CommonMark and the dialects of GitHub and of mathematics: code, emphasis, HTML, links and
 * images (`](`), entities. An underscore between letters and a bracket on its own make none, and LOINC's names are full of them.
 */
const MARKUP = /[\\`*<~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|\](?=[([:])|&(?=#|[A-Za-z][A-Za-z0-9]*;)|:(?=\/\/)/gu;

/** Characters of a text that are shown. */
export const PLAIN = 2000;

/**
 * A text to stand within a line, shown as it is. It must not begin one: there it could become a heading, a quotation or a list.
 * Bare addresses, from which some dialects make links, are broken by a backslash. The long dash is ours alone: a source follows it.
 */
export function plain(text: string): string {
	return (clean(text, PLAIN) ?? '')
		.replace(MARKUP, '\\$&')
		.replace(/\b(www)\./gi, '$1\\.')
		.replaceAll('—', '–');
}

/** A name to be taken as it is, in backticks; nothing where it cannot stand there. */
export function verbatim(name: string): string {
	return name.length <= 300 && !name.includes('`') && clean(name, 300) === name ? `\`${name}\`` : '';
}
