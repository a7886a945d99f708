/** The name of a resource in a delivery: `01-lakeside-health/Observation/abc`, or `…/Observation/#12` by its line. */

export interface Ref {
	folder: string;
	/** Of the file, without `.ndjson`. */
	type: string;
	/** The id, or the line from 1. */
	id: string | number;
}

/** FHIR allows 64 of these but for `_`; some servers give more. */
const ID = /^[A-Za-z0-9._-]{1,128}$/;
const REF = /^([a-z0-9-]{1,80})\/([A-Za-z]{1,64})\/(?:#([1-9]\d{0,9})|([A-Za-z0-9._-]{1,128}))$/;

export function parseRef(text: string): Ref | null {
	const [, folder, type, line, id] = REF.exec(text) ?? [];
	if (folder === undefined || type === undefined) return null;
	return { folder, type, id: id ?? Number(line) };
}

/** An id that can stand in a ref; null has to be named by its line. */
export function ownId({ id }: Record<string, unknown>): string | null {
	return typeof id === 'string' && ID.test(id) ? id : null;
}

/** @param line from 1 */
export function refOf(folder: string, type: string, line: number, resource: Record<string, unknown>): string {
	return `${folder}/${type}/${ownId(resource) ?? `#${line}`}`;
}
