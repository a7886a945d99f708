/** References between the resources of one source. */
import { ID } from './ref.js';

/** Longer ones lead nowhere here. */
const MOST = 3000;
const RELATIVE = new RegExp(`^([A-Za-z]{1,64})/(${ID})(?:/_history/[^/?#]{1,128})?/?$`);
const BINARY = new RegExp(`/Binary/(${ID})(?:/_history/[^/]+)?/?$`);

/**
 * `Medication/1`: what a reference names among the resources of its own source. It may be relative, have a version, and stand
 * below the base address. Null for what is on another server, inside the resource itself (`#1`), or no name of a resource.
 *
 * The one reader of references: two that differ would tell of a medicine that is another's.
 */
export function localReference(reference: unknown, { fhirBaseUrl }: { fhirBaseUrl: string }): string | null {
	if (typeof reference !== 'string' || reference.length > MOST) return null;
	const relative = RELATIVE.exec(reference) ?? RELATIVE.exec(below(fhirBaseUrl, reference) ?? '');
	return relative && `${relative[1]}/${relative[2]}`;
}

/** The rest of an address after the base; null for one that is not below it. */
function below(base: string, address: string): string | null {
	const root = `${base.replace(/\/+$/, '')}/`;
	if (address.startsWith(root)) return address.slice(root.length);
	// Written otherwise it may still be the same: the host in capitals, the port that goes without saying, a path alone.
	if (!URL.canParse(root) || !URL.canParse(address, root)) return null;
	const { href } = new URL(address, root);
	const start = new URL(root).href;
	return href.startsWith(start) ? href.slice(start.length) : null;
}

/**
 * The id of the Binary at an attachment's address: anywhere on the origin of the source, as the wallet names what it fetches. Null for
 * another origin, and for an address that is not one of FHIR's.
 */
export function attachedBinary(address: unknown, { fhirBaseUrl }: { fhirBaseUrl: string }): string | null {
	if (typeof address !== 'string' || address.length > MOST) return null;
	const root = `${fhirBaseUrl.replace(/\/+$/, '')}/`;
	if (!URL.canParse(root) || !URL.canParse(address, root)) return null;
	const { origin, pathname } = new URL(address, root);
	return origin === new URL(root).origin ? (BINARY.exec(pathname)?.[1] ?? null) : null;
}
