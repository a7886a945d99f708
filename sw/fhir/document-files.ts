/** Documents as files that a person can open: named by what refers to them, decoded from their Binary. Pure. */
import { isObject, list } from './outcome.js';
import { parseObject } from './page.js';

/** What is known of a document beside its content. */
export interface DocumentTitle {
	title: string;
	/** FHIR date, cut to the day. */
	day: string;
}

/** By the id of a Binary. */
export type DocumentTitles = Map<string, DocumentTitle>;

/** Adds what a DocumentReference or DiagnosticReport says of its attachments. @param text one resource */
export function addTitles(titles: DocumentTitles, text: string): void {
	const resource = parseObject(text);
	if (!resource) return;
	const attachments = [
		...list(resource.content).map((content) => (isObject(content) ? content.attachment : undefined)),
		...list(resource.presentedForm),
	].filter(isObject);
	for (const { url, title, creation } of attachments) {
		const id = typeof url === 'string' ? /(?:^|\/)Binary\/([A-Za-z0-9.-]{1,64})/.exec(url)?.[1] : undefined;
		if (!id) continue;
		const dates = [creation, resource.date, resource.effectiveDateTime, resource.issued];
		titles.set(id, {
			title: [title, resource.description, conceptText(resource.type), conceptText(resource.code)].find(isText) ?? '',
			day:
				dates
					.find((date) => typeof date === 'string' && /^\d{4}/.test(date))
					?.toString()
					.slice(0, 10) ?? '',
		});
	}
}

function conceptText(concept: unknown): unknown {
	if (!isObject(concept)) return undefined;
	return concept.text ?? list(concept.coding).find(isObject)?.display;
}

function isText(value: unknown): value is string {
	return typeof value === 'string' && value.trim() !== '';
}

/** A Binary as a file; null where the line is none or has no content. `taken` keeps names apart. @param text one resource */
export function documentFile(
	text: string,
	titles: DocumentTitles,
	taken: Set<string>,
): { name: string; bytes: Uint8Array<ArrayBuffer> } | null {
	const resource = parseObject(text);
	if (resource?.resourceType !== 'Binary') return null;
	// `content` until STU3.
	const data = resource.data ?? resource.content;
	const bytes = typeof data === 'string' ? decodeBase64(data) : null;
	if (!bytes) return null;
	const about = titles.get(String(resource.id));
	const name = [about?.day, about?.title || 'Document'].filter(isText).join(' ');
	return { name: unique(safeName(name), extension(resource.contentType), taken), bytes };
}

/** Letters and digits of any script; nothing that a file system or a path could take for something else. */
function safeName(name: string): string {
	const plain = name.replace(/[^\p{L}\p{M}\p{N}, ()_-]+/gu, ' ').replace(/\s+/g, ' ');
	return [...plain.trim()].slice(0, 80).join('').trim() || 'Document';
}

function unique(name: string, extension: string, taken: Set<string>): string {
	for (let n = 1; ; n++) {
		const candidate = `${name}${n === 1 ? '' : ` (${n})`}.${extension}`;
		// File systems that ignore case would take two of these for one.
		const folded = candidate.toLowerCase();
		if (taken.has(folded)) continue;
		taken.add(folded);
		return candidate;
	}
}

const EXTENSIONS: Record<string, string> = {
	'application/pdf': 'pdf',
	'application/rtf': 'rtf',
	'application/xml': 'xml',
	'image/gif': 'gif',
	'image/jpeg': 'jpg',
	'image/png': 'png',
	'image/tiff': 'tif',
	'text/html': 'html',
	'text/plain': 'txt',
	'text/rtf': 'rtf',
	'text/xml': 'xml',
};

function extension(contentType: unknown): string {
	const type = typeof contentType === 'string' ? (contentType.split(';')[0] ?? '').trim().toLowerCase() : '';
	if (Object.hasOwn(EXTENSIONS, type)) return EXTENSIONS[type] ?? 'bin';
	return /^application\/[a-z0-9.-]+\+xml$/.test(type) ? 'xml' : 'bin';
}

function decodeBase64(data: string): Uint8Array<ArrayBuffer> | null {
	try {
		const text = atob(data);
		const bytes = new Uint8Array(text.length);
		for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
		return bytes;
	} catch {
		return null;
	}
}
