/** FHIR R4, datatype `id`. */
const ID = '[A-Za-z0-9.-]{1,64}';
const RELATIVE = new RegExp(`^([A-Z][A-Za-z]{1,63})/(${ID})(?:/_history/${ID})?$`);
const TAIL = new RegExp(`/([A-Z][A-Za-z]{1,63})/(${ID})(?:/_history/${ID})?/?$`);

/**
 * `link` as an absolute URL of the FHIR base's origin, without a fragment; null where it leads elsewhere or is none.
 * The one gate through which an address that a server sent becomes a request that carries a token.
 */
export function sameOrigin(link: string, relativeTo: string, base: string): string | null {
	try {
		const url = new URL(link, relativeTo);
		const { protocol, host } = new URL(base);
		// Not by `origin`: that of `blob:https://host/…` is the host's.
		if (url.protocol !== protocol || url.host !== host || url.username || url.password) return null;
		url.hash = '';
		return url.href;
	} catch {
		return null;
	}
}

/**
 * Type and id of a literal reference (FHIR R4, References): relative, or absolute on the base's origin, versioned or
 * not. Null for contained (`#`), conditional, `urn:` and foreign ones.
 */
export function parseReference(reference: string, base: string): { type: string; id: string } | null {
	const relative = RELATIVE.exec(reference);
	if (relative?.[1] && relative[2]) return { type: relative[1], id: relative[2] };
	if (!/^https?:/i.test(reference)) return null;
	const url = sameOrigin(reference, base, base);
	if (!url) return null;
	const { pathname, search } = new URL(url);
	const tail = search ? null : TAIL.exec(pathname);
	return tail?.[1] && tail[2] ? { type: tail[1], id: tail[2] } : null;
}

/**
 * The id of the Patient that a reference leads to, in whatever spelling (`/Patient/p2`, `Patient/p2/`, `Patient/p2?x`,
 * `Patient/p2#x`, versioned, absolute); null where it leads to none, or to another server's.
 */
export function patientOf(reference: string, base: string): string | null {
	if (!reference.includes('Patient')) return null;
	const url = sameOrigin(reference.trim().replace(/^\/+/, ''), `${base}/`, base);
	const id = url && /\/Patient\/+([^/]+)(?:\/_history\/[^/]*)?\/*$/.exec(new URL(url).pathname)?.[1];
	if (!id) return null;
	try {
		return decodeURIComponent(id);
	} catch {
		return id;
	}
}
