/** Which kind a document is: by what it holds. The content type decides only where that leaves a choice. */
import { byteOrder, decode } from './charset.js';
import type { DocumentText } from './reading.js';

const IMAGES = [
	'\x89PNG\r\n\x1a\n',
	'\xff\xd8\xff',
	'GIF87a',
	'GIF89a',
	'II*\0',
	'MM\0*',
	'\0\0\x01\0',
	'\xff\x4f\xff\x51',
	'\0\0\0\x0cjP  ',
];

/** Elements that a page or a piece of one may begin with. */
const HTML =
	/^(html|head|body|div|p|span|table|tbody|tr|td|meta|title|style|script|h[1-6]|ul|ol|dl|br|hr|b|i|u|em|strong|font|center|section|article|main|header|pre|a|img)$/i;

/** How many octets are looked at; comments before the root element may be long. */
const LOOK = 65_536;

export function kindOf(octets: Uint8Array, contentType: string | null): DocumentText['kind'] {
	const hint = (contentType ?? '').toLowerCase();
	const raw = decode(octets.subarray(0, LOOK), 'latin1');
	if (raw.slice(0, 1024).includes('%PDF-')) return 'pdf';
	if (/^(\xef\xbb\xbf)?\s*\{\\rtf/.test(raw.slice(0, 1024))) return 'rtf';
	if (isImage(raw)) return 'image';
	const marked = byteOrder(octets);
	if (marked === null && isBinary(raw)) return hint.startsWith('image/') ? 'image' : 'unknown';
	if (octets.length === 0) return 'unknown';
	return kindOfText(marked ? decode(octets.subarray(0, LOOK), marked) : raw.replace(/^\xef\xbb\xbf/, ''), hint);
}

function kindOfText(head: string, hint: string): DocumentText['kind'] {
	const { root, declared } = prolog(head);
	const name = root?.slice(root.indexOf(':') + 1);
	if (name === 'ClinicalDocument') return 'ccda';
	// `a` and `p` are HTML's in HTML alone.
	const foreign = declared === 'xml' && name?.toLowerCase() !== 'html' && !head.includes('//www.w3.org/1999/xhtml');
	if (name !== undefined && !foreign && HTML.test(name)) return 'html';
	if (declared === 'html' || /\bx?html\b/.test(hint)) return 'html';
	if (declared === 'xml' || (root !== undefined && /\bxml\b/.test(hint))) return 'xml';
	return 'text';
}

/** What stands before the root element, step by step: one pattern over all of it would go back and forth on hostile input. */
function prolog(head: string): { root?: string; declared?: 'xml' | 'html' } {
	let declared: 'xml' | 'html' | undefined;
	let rest = head.trimStart();
	for (;;) {
		if (rest.startsWith('<!--')) rest = after(rest, '-->');
		else if (rest.startsWith('<?')) {
			declared ??= 'xml';
			rest = after(rest, '?>');
		} else if (/^<!doctype/i.test(rest)) {
			declared = /^<!doctype\s+html/i.test(rest) ? 'html' : 'xml';
			rest = afterDoctype(rest);
		} else break;
	}
	const root = /^<([A-Za-z_][\w.:-]{0,100})[\s/>]/.exec(rest)?.[1];
	return { ...(root !== undefined && { root }), ...(declared !== undefined && { declared }) };
}

function after(text: string, mark: string): string {
	const at = text.indexOf(mark);
	return at === -1 ? '' : text.slice(at + mark.length).trimStart();
}

/** A document type may have an internal subset in brackets, with `>` inside. */
function afterDoctype(text: string): string {
	const end = text.indexOf('>');
	const bracket = text.indexOf('[');
	if (bracket === -1 || bracket > end) return after(text, '>');
	const subset = text.indexOf(']', bracket);
	return subset === -1 ? '' : after(text.slice(subset), '>');
}

function isImage(raw: string): boolean {
	if (IMAGES.some((magic) => raw.startsWith(magic))) return true;
	if (raw.startsWith('RIFF') && raw.slice(8, 12) === 'WEBP') return true;
	if (raw.startsWith('BM') && raw.slice(6, 10) === '\0\0\0\0') return true;
	if (raw.slice(128, 132) === 'DICM') return true;
	return raw.slice(4, 8) === 'ftyp' && /^(heic|heix|mif1|avif)/.test(raw.slice(8, 12));
}

/** Text has no NUL, and hardly a control character (MLLP's and printers' may be there). */
function isBinary(raw: string): boolean {
	if (raw.includes('\0')) return true;
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
	const controls = raw.match(/[\x01-\x08\x0e-\x1f]/g)?.length ?? 0;
	return controls > 2 && controls > raw.length / 50;
}
