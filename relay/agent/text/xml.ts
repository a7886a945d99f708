/** Any other XML: what it says between its tags, one line an element, by name; attributes are left out but for `value`. */
import { type Element, elements, parse } from './markup.js';
import { Page } from './page.js';
import type { Reading } from './reading.js';

export function readXml(xml: string): Reading {
	const { root, cut } = parse(xml, 'xml');
	const page = new Page();
	write(root, page, 0);
	return { text: page.toString(), cut };
}

/** Deeper than this, lines are indented no further. */
const MAX_INDENT = 8;

function write(of: Element, page: Page, depth: number): void {
	const indent = '  '.repeat(Math.min(depth, MAX_INDENT));
	for (const child of of.children) {
		if (typeof child === 'string') {
			if (child.trim() !== '') line(page, `${indent}${child.replace(/\s+/g, ' ').trim()}`);
			continue;
		}
		const said = [child.attributes.value?.trim(), elements(child).length === 0 ? child.children.join('').trim() : '']
			.filter((part) => part !== undefined && part !== '')
			.join(' ');
		if (elements(child).length > 0 || said !== '')
			line(page, `${indent}${child.name}:${said === '' ? '' : ` ${said}`}`);
		if (elements(child).length > 0) write(child, page, depth + 1);
	}
}

function line(page: Page, text: string): void {
	page.preformatted(text);
	page.newline();
}
