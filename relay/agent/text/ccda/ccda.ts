/** A C-CDA (R1.1, R2.1, or any HL7 CDA R2 document) → text: its head, then its body or the document inside it. */

import { at, type Element, elements, parse, textIn } from '../markup.js';
import { Page } from '../page.js';
import { NO_TEXT } from '../problems.js';
import type { DocumentText, Reading } from '../reading.js';
import { writeHead } from './head.js';
import { writeSection } from './section.js';

/** Reads a document inside this one. */
type ReadInner = (octets: Uint8Array, contentType: string | null) => Promise<DocumentText>;

export async function readCcda(xml: string, inner: ReadInner): Promise<Reading> {
	const { root, cut } = parse(xml, 'xml');
	const document = at(root, 'ClinicalDocument');
	if (!document) return { text: '', problem: 'unreadable' };
	const page = new Page();
	writeHead(document, page);
	const [body] = elements(document, 'component').flatMap((component) => elements(component));
	if (body?.name === 'nonXMLBody') return withInner(page, body, cut, inner);
	if (body?.name !== 'structuredBody') {
		say(page, cut ? '[The document ends before its body.]' : '[The document has no body.]');
		return { text: page.toString(), cut };
	}
	const sections = elements(body, 'component').flatMap((component) => elements(component, 'section'));
	for (const section of sections) writeSection(section, page, 2);
	if (sections.length === 0) say(page, '[The document has no sections.]');
	return { text: page.toString(), cut };
}

/** The unstructured kind: a PDF, RTF or text in base64, or text as it is. */
async function withInner(page: Page, body: Element, cut: boolean, inner: ReadInner): Promise<Reading> {
	const text = at(body, 'text');
	const name = at(text, 'reference')?.attributes.value;
	if (!text || name) {
		say(page, `[What it says is in a file of its own${name ? `: ${name}` : ''}.]`);
		return { text: page.toString(), problem: 'unreadable' };
	}
	if (text.attributes.compression) return unread(page, 'unknown_type');
	const raw = textIn(text);
	const octets =
		text.attributes.representation?.toUpperCase() === 'B64'
			? new Uint8Array(Buffer.from(raw, 'base64'))
			: new TextEncoder().encode(raw);
	const found = await inner(octets, text.attributes.mediaType ?? null);
	const pages = found.pages === undefined ? {} : { pages: found.pages };
	if (found.problem && found.problem !== 'too_large') return { ...unread(page, found.problem), ...pages };
	page.gap();
	page.preformatted(found.text);
	return { text: page.toString(), ...pages, cut: cut || found.problem === 'too_large' };
}

function unread(page: Page, problem: NonNullable<DocumentText['problem']>): Reading {
	say(page, `[The document inside could not be read: ${NO_TEXT[problem]}.]`);
	return { text: page.toString(), problem };
}

function say(page: Page, text: string): void {
	page.gap();
	page.exact(text);
	page.newline();
}
