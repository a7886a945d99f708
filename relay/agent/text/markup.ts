/**
 * XML and HTML → a tree, by htmlparser2. It reads no document type, so entities that a document declares are never expanded
 * and nothing outside is ever fetched. The tree is no deeper and no larger than limits.ts allows.
 */
import { Parser } from 'htmlparser2';
import { MAX_DEPTH, MAX_ELEMENTS, MAX_TIME } from './limits.js';

export interface Element {
	/** Without its namespace prefix, but for `sdtc:` (C-CDA's extensions, which repeat names of CDA's own). */
	name: string;
	attributes: Record<string, string>;
	children: (Element | string)[];
}

interface Tree {
	root: Element;
	/** Where it has not been read to its end. */
	cut: boolean;
}

/** The parser is fed in pieces, so that it can be stopped between them. */
const PIECE = 65_536;

export function parse(markup: string, as: 'xml' | 'html'): Tree {
	const root: Element = { name: '', attributes: {}, children: [] };
	const open = [root];
	const until = Date.now() + MAX_TIME;
	let elements = 0;
	let cut = false;
	const parser = new Parser(
		{
			onopentag(qualified, attributes) {
				if (cut) return;
				// Closing tags that match nothing make the parser search its stack: that stays short.
				if (open.length > MAX_DEPTH || ++elements > MAX_ELEMENTS) {
					cut = true;
					return;
				}
				const name = qualified.startsWith('sdtc:') ? qualified : qualified.slice(qualified.indexOf(':') + 1);
				const element: Element = { name, attributes, children: [] };
				open.at(-1)?.children.push(element);
				open.push(element);
			},
			onclosetag() {
				if (!cut && open.length > 1) open.pop();
			},
			ontext(text) {
				if (cut) return;
				// The parser gives a text in many pieces; joined again they are one child.
				const children = open.at(-1)!.children;
				const last = children.length - 1;
				if (typeof children[last] === 'string') children[last] += text;
				else children.push(text);
			},
		},
		{ xmlMode: as === 'xml', decodeEntities: true },
	);
	for (let at = 0; at < markup.length && !cut; at += PIECE) {
		parser.write(markup.slice(at, at + PIECE));
		cut ||= Date.now() > until;
	}
	if (!cut) parser.end();
	return { root, cut };
}

/** The children that are elements, those of `name` if one is given. */
export function elements(of: Element | undefined, name?: string): Element[] {
	return (of?.children ?? []).filter(
		(child): child is Element => typeof child !== 'string' && (name === undefined || child.name === name),
	);
}

/** The first element at the end of a path of names. */
export function at(of: Element | undefined, ...path: string[]): Element | undefined {
	return path.reduce<Element | undefined>((from, name) => elements(from, name)[0], of);
}

/** All the text in it, as it stands. */
export function textIn(node: Element | string | undefined): string {
	if (node === undefined) return '';
	return typeof node === 'string' ? node : node.children.map(textIn).join('');
}

/** The same on one line. */
export function lineOf(node: Element | string | undefined): string {
	return textIn(node).replace(/\s+/g, ' ').trim();
}

/** The same of its first `units` only: elements nested inside each other must not each cost all that is in them. */
export function beginning(node: Element | string, units = 4000): string {
	return rawBeginning(node, units).replace(/\s+/g, ' ').trim();
}

function rawBeginning(node: Element | string, units: number): string {
	if (typeof node === 'string') return node.slice(0, units);
	let text = '';
	for (const child of node.children) {
		if (text.length >= units) break;
		text += rawBeginning(child, units - text.length);
	}
	return text;
}
