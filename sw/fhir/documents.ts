import { decode, encode } from './line.js';
import { isObject, type Json, list, readOutcome } from './outcome.js';
import { parseObject } from './page.js';
import { hash, see, wasSeen } from './seen.js';
import { oneLine, trim } from './spans.js';
import { addMissing, type CollectState, type Problem, typeOf } from './state.js';
import { sameOrigin } from './urls.js';

/**
 * The largest document that is taken, in octets: in base64, and gzip, it stays below what a relay takes as a part. Longer
 * ones are reported as `too_large`.
 */
export const MAX_DOCUMENT_BYTES = 20 * 1024 * 1024;

/** The most documents that one record can make us fetch. */
export const MAX_DOCUMENTS = 20_000;

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;\s*[\w.+-]+=[\w.+"-]+)*$/;
const BINARY = /\/Binary\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?\/?$/;

/** The attachments of a resource: DocumentReference.content[].attachment, DiagnosticReport.presentedForm[]. */
function attachments(resource: Json): Json[] {
	if (resource.resourceType === 'DiagnosticReport') return list(resource.presentedForm).filter(isObject);
	if (resource.resourceType !== 'DocumentReference') return [];
	return list(resource.content).flatMap((one) => (isObject(one) && isObject(one.attachment) ? [one.attachment] : []));
}

/**
 * Where the attachments of a resource are that are not inline: absolute where that is on the base's origin, else as
 * written.
 */
export function* attached(resource: Json, base: string) {
	for (const { url, contentType, data, size } of attachments(resource)) {
		if (typeof url !== 'string' || url === '' || url.startsWith('#') || typeof data === 'string') continue;
		const absolute = sameOrigin(url, `${base}/`, base);
		yield { url: absolute ?? url, elsewhere: absolute === null, contentType, size };
	}
}

/** Notes the documents that a delivered resource points to: each address once, every rendition. */
export function wantDocuments(state: CollectState, resource: Json): void {
	let left = attachments(resource).length;
	for (const { url: absolute, elsewhere, contentType, size } of attached(resource, state.base)) {
		left--;
		const key = `document ${absolute}`;
		if (wasSeen(state, key)) continue;
		if (state.pointed >= MAX_DOCUMENTS) {
			// About as many: what is too many is not looked at.
			state.unpointed += left + 1;
			return;
		}
		state.pointed++;
		see(state, key);
		typeOf(state, 'Binary').known++;
		if (elsewhere) {
			missDocument(state, documentName(absolute), { status: 'refused', reason: 'other_origin' });
			continue;
		}
		// Shortened only to what cannot be taken for an address of its own: `<base>/https://elsewhere` stays whole.
		const rest = absolute.startsWith(`${state.base}/`) ? absolute.slice(state.base.length + 1) : '';
		const below = /^[A-Za-z]+\/[A-Za-z0-9]/.test(rest) ? rest : absolute;
		// Unlike a kind that is not granted, this one is known to be there: that it is missing has to be said.
		if (!state.binaries && below.startsWith('Binary/'))
			missDocument(state, documentName(absolute), { status: 'refused', reason: 'not_granted' });
		else if (typeof size === 'number' && size > MAX_DOCUMENT_BYTES)
			missDocument(state, documentName(absolute), { status: 'failed', reason: 'too_large' });
		else state.toFetch.items.push({ url: below, contentType: mediaType(contentType) });
	}
}

function mediaType(value: unknown): string {
	return typeof value === 'string' && value.length <= 200 && MEDIA_TYPE.test(value) ? value : '';
}

/** The id of a Binary, or what stands for it where the address is not one of FHIR's. */
export function documentId(url: string): string {
	return BINARY.exec(url.split(/[?#]/)[0] ?? '')?.[1] ?? `url-${hash(url).replaceAll('_', '.')}`;
}

/** What a report calls a document. Without the address's query, which may be a key to it. */
export function documentName(url: string): string {
	const path = url.split(/[?#]/)[0] ?? '';
	return BINARY.exec(path)?.[1] ?? path.slice(0, 200).replace(/[^!-~]/g, '_');
}

export function missDocument(state: CollectState, name: string, problem: Problem): void {
	addMissing(state.documents, name, problem);
}

/**
 * The line for a document: a Binary as the server's FHIR JSON has it, or one made around the octets.
 * @param url absolute
 * @param asked the attachment's content type, for answers that name none
 * @returns `binary`: as it was served, where it was
 */
export function documentLine(
	bytes: Uint8Array,
	served: string | null,
	asked: string,
	url: string,
): { ok: true; id: string; octets: Uint8Array; binary?: Json } | { ok: false; problem: Problem } {
	if (bytes.length > MAX_DOCUMENT_BYTES) return { ok: false, problem: { status: 'failed', reason: 'too_large' } };
	const contentType = mediaType(served) || asked || 'application/octet-stream';
	if (/^application\/(?:fhir\+json|json\+fhir|json)\b/i.test(contentType)) {
		const { text, octets } = decode(bytes);
		const json = parseObject(text);
		const problem = readOutcome(json);
		if (problem) return { ok: false, problem };
		if (json?.resourceType === 'Binary') {
			const id = typeof json.id === 'string' ? json.id : documentId(url);
			return { ok: true, id, octets: oneLine(trim(octets)), binary: json };
		}
	}
	const id = documentId(url);
	const head = JSON.stringify({ resourceType: 'Binary', id, contentType });
	return { ok: true, id, octets: wrap(`${head.slice(0, -1)},"data":"`, base64(bytes), '"}') };
}

/** One after the other, without a text as long as all of them. `data` is ASCII. */
function wrap(before: string, data: string, after: string): Uint8Array {
	const head = encode(before);
	const octets = new Uint8Array(head.length + data.length + after.length);
	octets.set(head);
	new TextEncoder().encodeInto(data, octets.subarray(head.length));
	octets.set(encode(after), head.length + data.length);
	return octets;
}

/** Base64 (RFC 4648, section 4): the platform's own where it has one. */
export function base64(bytes: Uint8Array): string {
	const own = bytes as Uint8Array & { toBase64?: () => string };
	return typeof own.toBase64 === 'function' ? own.toBase64() : base64Slices(bytes);
}

/** In slices of a multiple of three octets, short enough to be an argument list. */
export function base64Slices(bytes: Uint8Array): string {
	const SLICE = 3 * 8192;
	let text = '';
	for (let at = 0; at < bytes.length; at += SLICE)
		text += btoa(String.fromCharCode.apply(null, bytes.subarray(at, at + SLICE) as unknown as number[]));
	return text;
}
