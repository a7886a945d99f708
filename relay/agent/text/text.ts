/** The text of a document, by well-kept libraries; what cannot be read says so. */
import { readCcda } from './ccda/ccda.js';
import { decoded } from './charset.js';
import { readHtml } from './html.js';
import { kindOf } from './kind.js';
import { MAX_OCTETS, TOO_DEEP, TOO_LARGE } from './limits.js';
import { readPdf } from './pdf/pdf.js';
import type { DocumentText, Reading } from './reading.js';
import { readRtf } from './rtf/rtf.js';
import { tidy } from './tidy.js';
import { readXml } from './xml.js';

/** Never throws for what is in `octets`: that is a stranger's. @param contentType as the Binary says, which may be wrong */
export async function textOf(octets: Uint8Array, contentType: string | null): Promise<DocumentText> {
	return documentText(octets, contentType, 0);
}

/** @param depth how many documents this one is inside of */
async function documentText(octets: Uint8Array, contentType: string | null, depth: number): Promise<DocumentText> {
	const kind = kindOf(octets, contentType);
	if (kind === 'image') return { kind, text: '', problem: 'image' };
	if (kind === 'unknown') return { kind, text: '', problem: octets.length === 0 ? 'unreadable' : 'unknown_type' };
	if (octets.length > MAX_OCTETS[kind]) return { kind, text: '', problem: 'too_large' };
	try {
		return finished(kind, await read(kind, octets, contentType, depth));
	} catch {
		return { kind, text: '', problem: 'unreadable' };
	}
}

async function read(
	kind: keyof typeof MAX_OCTETS,
	octets: Uint8Array,
	contentType: string | null,
	depth: number,
): Promise<Reading> {
	switch (kind) {
		case 'pdf':
			return readPdf(octets);
		case 'rtf':
			return readRtf(octets);
		case 'html':
			return readHtml(decoded(octets, contentType));
		case 'xml':
			return readXml(decoded(octets, contentType));
		case 'text':
			return { text: decoded(octets, contentType) };
		case 'ccda':
			return readCcda(decoded(octets, contentType), async (inner, type) =>
				depth === 0 ? documentText(inner, type, 1) : { kind: 'unknown', text: '', problem: 'unreadable' },
			);
	}
}

/** Where a reading becomes an answer: no empty text without a problem, no cut without a word of it. */
function finished(kind: DocumentText['kind'], reading: Reading): DocumentText {
	const { text, cut } = tidy(reading.text);
	const pages = reading.pages === undefined ? {} : { pages: reading.pages };
	if (reading.problem) return { kind, text, ...pages, problem: reading.problem };
	if (cut || reading.cut)
		return { kind, text: `${text}\n\n${cut ? TOO_LARGE : TOO_DEEP}`.trim(), ...pages, problem: 'too_large' };
	if (text === '') return { kind, text, ...pages, problem: 'unreadable' };
	return { kind, text, ...pages };
}
