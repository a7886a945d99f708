/** What `wants` selects, whether it is read from a provider or from a copy on this device. Pure. */
import { attached } from './documents.js';
import type { Json } from './outcome.js';
import { references } from './references.js';
import { referencedTypes, searches } from './searches.js';
import { parseReference } from './urls.js';

/** Whether a type has a search or, as the Patient, a read of its own. */
export function isPlanned(type: string): boolean {
	return type === 'Patient' || searches.some((search) => search.type === type);
}

/** Whether only what refers to a resource of this type leads to it. */
export function isReferred(type: string): boolean {
	return !isPlanned(type) && (type === 'Binary' || referencedTypes.includes(type));
}

/** Types of which everything is given; null for all. Of others only what these refer to. */
export function wholeTypes(wants: readonly string[]): Set<string> | null {
	return wants.length > 0 ? new Set(['Patient', ...wants.filter((type) => !isReferred(type))]) : null;
}

/** Types that carry documents. */
const CARRIERS = ['DocumentReference', 'DiagnosticReport'];

/**
 * Types that were asked for by name, that no search reads, and that nothing selected led to: what there is of them is not
 * known, which has to be said. Documents are known where what carries them was asked for.
 * @param led whether something of a type, or a report that it is missing, is there
 */
export function unreached(wants: readonly string[], led: (type: string) => boolean): string[] {
	return [...new Set(wants)].filter((type) => {
		if (isPlanned(type) || led(type)) return false;
		return type !== 'Binary' || !CARRIERS.some((carrier) => wants.includes(carrier));
	});
}

/** Why one of those has no answer. */
export const UNREACHED = { status: 'refused', count: 0, reason: 'not_searched' } as const;

/** What a selected resource leads to: `Type/id` of what it refers to, and its documents' addresses on the server. */
export function leadsTo(
	resource: Json,
	base: string,
): { references: string[]; documents: string[]; elsewhere: string[] } {
	const found = { references: [] as string[], documents: [] as string[], elsewhere: [] as string[] };
	for (const reference of references(resource)) {
		const to = parseReference(reference, base);
		if (to && referencedTypes.includes(to.type)) found.references.push(`${to.type}/${to.id}`);
	}
	for (const { url, elsewhere } of attached(resource, base)) found[elsewhere ? 'elsewhere' : 'documents'].push(url);
	return found;
}
