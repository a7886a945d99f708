/**
 * Names of files and folders, harmless on every file system. Of what a provider or wallet wrote, only letters and digits
 * come into them.
 */
import type { Description } from './descriptions.js';

/** `01-lakeside-health`: position and ASCII letters of the name. The number keeps it clear of reserved names. */
export function folderName(position: number, name: string): string {
	const slug = name
		.normalize('NFKD')
		.replace(/\p{Mn}/gu, '')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.slice(0, 40)
		.replace(/^-+|-+$/g, '');
	return `${String(position + 1).padStart(2, '0')}-${slug || 'source'}`;
}

/** The device names of Windows that are letters alone. */
const RESERVED = new Set(['con', 'prn', 'aux', 'nul']);
/** FHIR R4 has some 150 resource types. */
const MOST_TYPES = 250;
const UNKNOWN = 'Unknown';

/**
 * Gives each line's file. A type that is not letters, is reserved, differs from an earlier one only in case (which
 * some file systems do not tell apart), or comes after 250 others, goes to `Unknown.ndjson`.
 */
export class TypeNames {
	readonly #spelling = new Map<string, string>([[UNKNOWN.toLowerCase(), UNKNOWN]]);

	of(resourceType: unknown): string {
		if (typeof resourceType !== 'string' || !/^[A-Za-z]{1,64}$/.test(resourceType)) return UNKNOWN;
		const folded = resourceType.toLowerCase();
		if (RESERVED.has(folded)) return UNKNOWN;
		const known = this.#spelling.get(folded);
		if (known !== undefined) return known === resourceType ? known : UNKNOWN;
		if (this.#spelling.size >= MOST_TYPES) return UNKNOWN;
		this.#spelling.set(folded, resourceType);
		return resourceType;
	}
}

const EXTENSIONS: Record<string, string> = {
	'application/pdf': 'pdf',
	'application/xml': 'xml',
	'text/xml': 'xml',
	'text/html': 'html',
	'application/xhtml+xml': 'html',
	'application/rtf': 'rtf',
	'text/rtf': 'rtf',
	'text/plain': 'txt',
	'image/png': 'png',
	'image/jpeg': 'jpg',
	'image/jpg': 'jpg',
	'image/tiff': 'tif',
};

/** Octets of a name without its extension and number; file systems take 255 in all. */
const NAME_OCTETS = 160;
/** What Windows takes for devices, whatever the extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/** Names of one folder's documents. */
export class DocumentNames {
	/** How many there are of each, as file systems see it that tell neither case nor composition apart. */
	readonly #taken = new Map<string, number>();

	/**
	 * `2019-03-02 Discharge summary.rtf`, and `… (2).rtf` for the next of that name. Of the sender's words only letters and
	 * digits of any script are taken, and a few signs between them; the extension is one of a list.
	 */
	of({ title, date, type }: Description, contentType: unknown): string {
		const day = /^\d{4}(?:-\d{2}){0,2}/.exec(date ?? '')?.[0] ?? '';
		// A title that has the day need not say it twice.
		const what = harmless((title ?? '').replace(day, ' ')) || harmless(type ?? '') || 'Document';
		const name = day ? `${day} ${what}` : DEVICE.test(what) ? `Document ${what}` : what;
		const extension = extensionOf(contentType);
		const folded = `${name}.${extension}`.normalize('NFKC').toLowerCase();
		const number = (this.#taken.get(folded) ?? 0) + 1;
		this.#taken.set(folded, number);
		// A title has no sign that the number has: `(2)` is nobody's own.
		return `${name}${number === 1 ? '' : ` (${number})`}.${extension}`;
	}
}

function harmless(words: string): string {
	const plain = words.normalize('NFC').replace(/[^\p{L}\p{M}\p{N}, _-]+/gu, ' ');
	let name = '';
	for (const character of plain.replace(/\s+/g, ' ').replace(/^[^\p{L}\p{N}]+/u, '')) {
		if (Buffer.byteLength(name + character) > NAME_OCTETS) break;
		name += character;
	}
	return name.replace(/[\s,_-]+$/u, '');
}

/** Any content type that is not listed gives `bin`. */
function extensionOf(contentType: unknown): string {
	const [type = ''] = typeof contentType === 'string' ? contentType.toLowerCase().split(';') : [];
	const bare = type.trim();
	const listed = Object.hasOwn(EXTENSIONS, bare) ? EXTENSIONS[bare] : undefined;
	return listed ?? (/^application\/[a-z0-9.-]+\+xml$/.test(bare) ? 'xml' : 'bin');
}
