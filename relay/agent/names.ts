/**
 * Names of files and folders. All of them are the agent's own: what a provider or wallet wrote only chooses among
 * names that are harmless on every file system.
 */

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

/** What `folderName` can give. */
export const FOLDER_NAME = /^\d{2,}-[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

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

/** `001-document.pdf`; any content type that is not listed gives `bin`. */
export function documentName(number: number, contentType: unknown): string {
	const [type = ''] = typeof contentType === 'string' ? contentType.toLowerCase().split(';') : [];
	const bare = type.trim();
	const listed = Object.hasOwn(EXTENSIONS, bare) ? EXTENSIONS[bare] : undefined;
	const extension = listed ?? (/^application\/[a-z0-9.-]+\+xml$/.test(bare) ? 'xml' : 'bin');
	return `${String(number).padStart(3, '0')}-document.${extension}`;
}
