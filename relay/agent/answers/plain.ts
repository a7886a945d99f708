/** What a person would read of a resource: all its words, but for what only machines use. */
import { withoutTags } from '../clinical/narrative.js';

/** Names of elements whose text is an address, a key or data. */
const MACHINES = new Set([
	'id',
	'resourceType',
	'reference',
	'system',
	'url',
	'profile',
	'versionId',
	'lastUpdated',
	'data',
	'hash',
	'contentType',
	'fullUrl',
	'securityContext',
]);

export function plainText(resource: object): string {
	const words: string[] = [];
	// Not by recursion: a resource may be nested deeper than the stack is.
	const open: unknown[] = [resource];
	while (open.length > 0) {
		const value = open.pop();
		if (typeof value !== 'object' || value === null) continue;
		const list = Array.isArray(value);
		for (const [key, child] of Object.entries(value)) {
			if (!list && MACHINES.has(key)) continue;
			if (typeof child === 'string') words.push(key === 'div' ? withoutTags(child) : child);
			else if (typeof child === 'object') open.push(child);
		}
	}
	return words.join('\n');
}
