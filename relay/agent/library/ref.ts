/** The name of a resource in a delivery: `01-lakeside-health/Observation/abc`, or `…/Observation/#12` by its line. */

interface Ref {
	folder: string;
	/** Of the file, without `.ndjson`. */
	type: string;
	/** The id, or the line from 1. */
	id: string | number;
}

/** A resource's id, within a pattern. FHIR allows 64 of these but for `_`; some servers give more. */
export const ID = '[A-Za-z0-9._-]{1,128}';
const OWN = new RegExp(`^${ID}$`);
const REF = new RegExp(`^([a-z0-9-]{1,80})/([A-Za-z]{1,64})/(?:#([1-9]\\d{0,9})|(${ID}))$`);

export function parseRef(text: string): Ref | null {
	const [, folder, type, line, id] = REF.exec(text) ?? [];
	if (folder === undefined || type === undefined) return null;
	return { folder, type, id: id ?? Number(line) };
}

/** An id that can stand in a ref; null has to be named by its line. */
export function ownId({ id }: Record<string, unknown>): string | null {
	return typeof id === 'string' && OWN.test(id) ? id : null;
}

/** @param id its own, or its line from 1: where it has none, or another before it in the file has the same */
export function refOf(folder: string, type: string, id: string | number): string {
	return `${folder}/${type}/${typeof id === 'number' ? `#${id}` : id}`;
}
