/**
 * Octets → string. iconv-lite for everything but Unicode: Node 20's TextDecoder takes "windows-1252" for Latin-1 and leaves
 * control characters where quotation marks and the euro sign were, and Bun knows fewer labels.
 */
import iconv from 'iconv-lite';

/** @param label a name that iconv-lite knows, or any other, which is read as Windows-1252. Never throws */
export function decode(octets: Uint8Array, label: string): string {
	return iconv.decode(octets, iconv.encodingExists(label) ? label : 'windows-1252', { stripBOM: true });
}

/**
 * The text of a document of characters. In order: a byte-order mark; UTF-16 that XML shows without one; UTF-8 where the octets
 * are valid UTF-8 (no other charset looks like it by chance, whatever is declared); what the document declares; what
 * `contentType` says; Windows-1252.
 */
export function decoded(octets: Uint8Array, contentType: string | null): string {
	const marked = byteOrder(octets);
	if (marked) return decode(octets, marked);
	const head = iconv.decode(octets.subarray(0, 2048), 'latin1');
	const declared =
		declaredIn(head) ?? /charset\s*=\s*["']?([\w.:-]{2,40})/i.exec(contentType ?? '')?.[1]?.toLowerCase();
	// Of seven bits, so valid UTF-8 by accident.
	if (declared?.startsWith('iso-2022')) return decode(octets, declared);
	const utf8 = asUtf8(octets);
	if (utf8 !== null) return utf8;
	if (declared === undefined || declared.startsWith('utf-16')) return decode(octets, 'windows-1252');
	// The WHATWG's reading of these labels: pages that declare Latin-1 have Windows quotation marks.
	if (/^(iso-?8859-?1|latin-?1|us-ascii|ascii)$/.test(declared)) return decode(octets, 'windows-1252');
	return decode(octets, declared);
}

/** The charset that the first octets show beyond doubt. */
export function byteOrder(octets: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | null {
	const [a, b, c, d] = octets;
	if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
	if (a === 0xff && b === 0xfe) return 'utf-16le';
	if (a === 0xfe && b === 0xff) return 'utf-16be';
	// XML 1.0, appendix F: "<?" or "<C" without a mark.
	if (a === 0x3c && b === 0 && c !== 0 && d === 0) return 'utf-16le';
	if (a === 0 && b === 0x3c && c === 0 && d !== 0) return 'utf-16be';
	return null;
}

function declaredIn(head: string): string | undefined {
	const xml = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']/i.exec(head);
	const html = /<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{2,40})/i.exec(head);
	return (xml ?? html)?.[1]?.toLowerCase();
}

/** Null where the octets are no UTF-8. A character that the end cuts through does not make them so. */
function asUtf8(octets: Uint8Array): string | null {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(octets, { stream: true });
	} catch {
		return null;
	}
}
