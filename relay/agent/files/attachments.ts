/** Attachments that hold their content themselves, wherever in a resource they stand. */
import { isObject, type Json } from '../json.js';

/** Of one resource. */
const MOST = 200;

/**
 * FHIR's Attachment as far as it has both a type and data: a SampledData has data too, and no type. A Binary is none, what it
 * contains may be.
 */
export function attachmentsIn(resource: Json): Json[] {
	const found: Json[] = [];
	// Not by recursion: a resource may be nested deeper than the stack is.
	const open: unknown[] = Object.values(resource);
	while (open.length > 0 && found.length < MOST) {
		const value = open.pop();
		if (Array.isArray(value)) {
			// The last is the next: in the order in which they stand.
			for (let i = value.length - 1; i >= 0; i--) open.push(value[i]);
		} else if (isObject(value)) {
			if (typeof value.data === 'string' && typeof value.contentType === 'string') found.push(value);
			else for (const child of Object.values(value).reverse()) if (typeof child === 'object') open.push(child);
		}
	}
	return found;
}
