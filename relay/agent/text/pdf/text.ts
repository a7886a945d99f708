/**
 * PDF → text, by pdf.js in unpdf's build for one thread: no canvas, no file and no network. What a page says is read in steps, and
 * the time is looked at between them; no single step can be interrupted here (100,000 graphics states saved inside each other are
 * one), which is why this runs in a thread of its own.
 */
import { getResolvedPDFJS } from 'unpdf';
import { MAX_PAGES, MAX_TEXT } from '../limits.js';
import type { Reading } from '../reading.js';
import { type Piece, pageLines } from './lines.js';
import { unpacksTooFar } from './size.js';

type Pdfjs = Awaited<ReturnType<typeof getResolvedPDFJS>>;
type Pdf = Awaited<ReturnType<Pdfjs['getDocument']>['promise']>;
type PdfPage = Awaited<ReturnType<Pdf['getPage']>>;

/** Nothing is evaluated, drawn, fetched or logged. */
const SAFE = {
	verbosity: 0,
	isEvalSupported: false,
	disableFontFace: true,
	useSystemFonts: true,
	useWorkerFetch: false,
	useWasm: false,
	enableXfa: false,
	isOffscreenCanvasSupported: false,
	isImageDecoderSupported: false,
	maxImageSize: 1,
} as const;

/** Text without a word: what pages of pictures have. */
const NOTHING = '[No text on this page: a picture, or blank.]';

export interface PdfText {
	reading: Reading;
	/**
	 * pdf.js was left in the middle of something: the thread must end. To cancel it there makes it throw where nobody catches, and
	 * to destroy it waits for ever.
	 */
	stopped: boolean;
}

/**
 * @param octets pdf.js takes their buffer away
 * @param until ms since 1970; what was read until then is the text
 */
export async function pdfText(octets: Uint8Array, until: number): Promise<PdfText> {
	if (unpacksTooFar(octets)) return { reading: { text: '', problem: 'too_large' }, stopped: false };
	const { getDocument } = await getResolvedPDFJS();
	const task = getDocument({ data: octets, ...SAFE });
	try {
		const reading = await readPages(await task.promise, until);
		const stopped = reading.cut === true || reading.problem === 'too_large';
		if (!stopped) await task.destroy();
		return { reading, stopped };
	} catch (cause) {
		await task.destroy().catch(() => undefined);
		const encrypted = cause instanceof Error && cause.name === 'PasswordException';
		return { reading: { text: '', problem: encrypted ? 'encrypted' : 'unreadable' }, stopped: false };
	}
}

async function readPages(pdf: Pdf, until: number): Promise<Reading> {
	const pages = pdf.numPages;
	const texts: string[] = [];
	let left = MAX_TEXT + 1000;
	let said = false;
	let failed = 0;
	let whole = true;
	for (let number = 1; whole && number <= Math.min(pages, MAX_PAGES) && left > 0 && Date.now() < until; number++) {
		const read = await pageText(pdf, number, left, until).catch(() => null);
		const text = read?.text ?? null;
		whole = read?.whole ?? true;
		if (text === null) failed++;
		said ||= text !== null && text !== '';
		const heading = number === 1 ? '' : `\n\n— page ${number} —\n\n`;
		const page = heading + (text === null ? '[This page could not be read.]' : text || NOTHING);
		texts.push(page);
		left -= page.length;
	}
	const cut = !whole || texts.length < pages || left <= 0;
	if (said) return { text: texts.join(''), pages, cut };
	// Pages left unread may have text: that they are pictures is known of those alone that were.
	if (failed > 0) return { text: '', pages, problem: 'unreadable' };
	return { text: '', pages, problem: cut ? 'too_large' : 'image' };
}

/** @throws what pdf.js throws for a damaged page */
async function pageText(pdf: Pdf, number: number, left: number, until: number) {
	const page = await pdf.getPage(number);
	try {
		const pieces: Piece[] = [];
		let units = 0;
		let whole = false;
		const reader = page.streamTextContent({ includeMarkedContent: false }).getReader();
		while (units < left && Date.now() < until) {
			const { done, value } = await reader.read();
			if (done) {
				whole = true;
				break;
			}
			for (const item of value.items as Partial<Piece>[]) {
				if (typeof item.str !== 'string' || !item.transform) continue;
				pieces.push(item as Piece);
				units += item.str.length + 1;
			}
		}
		const lines = [...pageLines(pieces), ...(whole ? await filledIn(page) : [])];
		return { text: lines.join('\n').trim(), whole };
	} finally {
		page.cleanup();
	}
}

/** What was typed into a form, or written on top: that is no part of a page's text. */
async function filledIn(page: PdfPage): Promise<string[]> {
	const annotations = await page.getAnnotations().catch(() => []);
	const lines = annotations.flatMap((annotation) => {
		const value = annotation.subtype === 'Widget' ? annotation.fieldValue : annotation.contentsObj?.str;
		const values = (Array.isArray(value) ? value : [value]).filter(
			(one) => typeof one === 'string' && one.trim() !== '',
		);
		if (values.length === 0 || !['Widget', 'FreeText', 'Text'].includes(annotation.subtype)) return [];
		const name = annotation.alternativeText || annotation.fieldName || '';
		return [`[filled in] ${name === '' ? '' : `${name}: `}${values.join(', ')}`];
	});
	return lines.length === 0 ? [] : ['', ...lines];
}
