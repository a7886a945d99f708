/** What a stranger's document may cost. Real ones stay far below: a C-CDA of 20 MiB is the largest kind known from exports. */

const MIB = 1024 * 1024;

/** Octets that a reader takes at all, by kind; scanned PDFs and RTFs with pictures are large without having much to say. */
export const MAX_OCTETS = {
	pdf: 96 * MIB,
	rtf: 96 * MIB,
	ccda: 48 * MIB,
	html: 48 * MIB,
	xml: 48 * MIB,
	text: 48 * MIB,
} as const;

/** UTF-16 units of text; what comes after them is left out. */
export const MAX_TEXT = 2_000_000;

export const MAX_PAGES = 2000;

/** Octets that the streams of a PDF may unpack to: 5 s of pdf.js' time. */
export const MAX_UNPACKED = 256 * MIB;

/** Milliseconds for one document. A PDF is given up then; the readers of other kinds look at it between their steps. */
export const MAX_TIME = 20_000;

/** What the reading of one PDF may take: MiB for its objects, and octets in all, buffers included. */
export const MAX_HEAP = 512;
export const MAX_MEMORY = 1024 * MIB;

/** Elements or groups inside each other, and how many elements in all. */
export const MAX_DEPTH = 512;
export const MAX_ELEMENTS = 1_000_000;

/** The last lines of what was not read to its end; MAX_TEXT leaves room for none of them. */
export const TOO_LARGE = '[Cut here: the document has more text than is read.]';
export const TOO_DEEP = '[Cut here: the document is too large or too deeply nested to be read to its end.]';
