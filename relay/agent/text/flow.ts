/** The elements of HTML and of a C-CDA's narrative, written onto a page. Each knows names that the other lacks; none clash. */
import { beginning, type Element, elements } from './markup.js';
import type { Page } from './page.js';
import { writeTable } from './table.js';

/** Nothing of these is seen in a browser. */
const UNSEEN = new Set([
	'script',
	'style',
	'template',
	'noscript',
	'head',
	'iframe',
	'object',
	'svg',
	'math',
	'colgroup',
]);

const BLOCKS = new Set(
	'address article aside body caption center dd details div dt fieldset figcaption figure footer form header hr html legend main nav option paragraph section summary text tr'.split(
		' ',
	),
);
const SPACED = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'dl']);

type Write = (node: Element, page: Page) => void;

/** Elements that are more than their text. */
const WRITERS: Record<string, Write> = {
	br: (_, page) => page.newline(),
	table: writeTable,
	ul: writeList,
	ol: writeList,
	list: writeList,
	// Outside any list, which HTML forgives.
	li: (node, page) => page.item('- ', () => writeAll(node, page)),
	item: (node, page) => page.item('- ', () => writeAll(node, page)),
	// Outside any table, likewise.
	td: writeApart,
	th: writeApart,
	pre: (node, page) => {
		page.gap();
		writePreformatted(node, page);
		page.gap();
	},
	a: writeLink,
	linkHtml: writeLink,
	img: ({ attributes }, page) => {
		if (attributes.alt?.trim()) page.flow(`[picture: ${attributes.alt.trim()}]`);
	},
	sup: (node, page) => {
		// 10³ must not become 103.
		if (/^[-+−\d]/.test(beginning(node))) page.exact('^');
		writeAll(node, page);
	},
	s: writeStruck,
	strike: writeStruck,
	del: writeStruck,
	renderMultiMedia: (node, page) => {
		writeAll(node, page);
		page.flow(` [picture or recording, not shown: ${node.attributes.referencedObject ?? 'unnamed'}] `);
	},
	footnote: (node, page) => {
		page.flow(` [note${named(node.attributes.ID)}: `);
		writeAll(node, page);
		page.exact(']');
	},
	footnoteRef: (node, page) => page.flow(` [see note${named(node.attributes.IDREF)}]`),
};

export function write(node: Element | string, page: Page): void {
	if (page.full) return;
	if (typeof node === 'string') page.flow(node);
	else if (UNSEEN.has(node.name) || isHidden(node)) return;
	else if (Object.hasOwn(WRITERS, node.name)) WRITERS[node.name]!(node, page);
	else if (node.attributes.revised === 'delete') writeStruck(node, page);
	else if (SPACED.has(node.name)) writeSpaced(node, page);
	else if (BLOCKS.has(node.name)) writeBlock(node, page);
	else writeAll(node, page);
}

export function writeAll(node: Element, page: Page): void {
	for (const child of node.children) write(child, page);
}

export function writeBlock(node: Element, page: Page): void {
	page.block();
	writeAll(node, page);
	page.block();
}

function writeSpaced(node: Element, page: Page): void {
	page.gap();
	writeAll(node, page);
	page.gap();
}

function writeApart(node: Element, page: Page): void {
	page.flow(' ');
	writeAll(node, page);
	page.flow(' ');
}

function named(id: string | undefined): string {
	return id ? ` ${id}` : '';
}

/** What is struck out was true once or never: it must not read like the rest. */
function writeStruck(node: Element, page: Page): void {
	if (beginning(node) === '') return;
	page.flow(' ~~');
	writeAll(node, page);
	page.exact('~~');
	page.flow(' ');
}

function writeList(list: Element, page: Page): void {
	const ordered = list.name === 'ol' || list.attributes.listType === 'ordered';
	let number = Number.parseInt(list.attributes.start ?? '1', 10) || 1;
	page.block();
	for (const child of list.children) {
		if (typeof child === 'string') page.flow(child);
		else if (child.name !== 'li' && child.name !== 'item') write(child, page);
		else if (!isHidden(child)) page.item(ordered ? `${number++}. ` : '- ', () => writeAll(child, page));
	}
	page.block();
}

function writePreformatted(node: Element, page: Page): void {
	for (const child of node.children) {
		if (typeof child === 'string') page.preformatted(child);
		else if (child.name === 'br') page.newline();
		else if (!UNSEEN.has(child.name) && !isHidden(child)) writePreformatted(child, page);
	}
}

/** The address follows in brackets where it is one of the web and the words are not the address already. */
function writeLink(link: Element, page: Page): void {
	writeAll(link, page);
	const address = link.attributes.href?.trim() ?? '';
	const bare = (text: string) => text.replace(/^https?:\/\//i, '').replace(/\/$/, '');
	if (/^https?:\/\/\S{1,2000}$/i.test(address) && bare(beginning(link)) !== bare(address)) page.flow(` [${address}]`);
}

function isHidden(element: Element): boolean {
	const { hidden, style } = element.attributes;
	if (hidden !== undefined && element.name !== 'content') return true;
	return style !== undefined && /(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(style.slice(0, 4000));
}

/** Whether `element` has one of `name` anywhere inside it. */
export function holds(element: Element, name: string): boolean {
	return elements(element).some((child) => child.name === name || holds(child, name));
}
