/**
 * HTML → text. htmlparser2 and our own page rather than html-to-text: the same page writes a C-CDA's narrative, and tables stay
 * rows (html-to-text sets them in columns of spaces, and brings a second htmlparser2).
 */
import { write } from './flow.js';
import { type Element, elements, lineOf, parse } from './markup.js';
import { Page } from './page.js';
import type { Reading } from './reading.js';

export function readHtml(html: string): Reading {
	const { root, cut } = parse(html, 'html');
	const page = new Page();
	const title = lineOf(find(root, 'title', 4));
	write(root, page);
	const text = page.toString();
	// A page's own heading often says the same.
	return { text: title === '' || text.trimStart().startsWith(title) ? text : `${title}\n\n${text}`, cut };
}

function find(element: Element, name: string, depth: number): Element | undefined {
	for (const child of elements(element)) {
		if (child.name === name) return child;
		const inside = depth > 0 && child.name !== 'body' ? find(child, name, depth - 1) : undefined;
		if (inside) return inside;
	}
	return undefined;
}
