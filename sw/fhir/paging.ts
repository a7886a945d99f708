import { decode } from './line.js';
import type { Page, Served } from './page.js';
import { hash, includesHash } from './seen.js';
import type { Paging, Problem } from './state.js';

/** A server that never stops linking is left after so many pages, or so many empty ones in a row. */
const MAX_PAGES = 2000;
const MAX_EMPTY_PAGES = 20;

/** What a resource is known by: its type and id; without an id, its octets. Versions are not told apart. */
export function keyOf({ resource, octets }: Served): string {
	return typeof resource.id === 'string'
		? `${resource.resourceType}/${resource.id}`
		: `${resource.resourceType} ${hash(decode(octets).text)}`;
}

/**
 * Where to go on after a page: null at the end, a problem where what is linked must not or cannot be followed.
 * @param url where this page came from
 */
export function turnPage(before: Paging | null, page: Page, url: string): Paging | Problem | null {
	if (page.nextProblem) return { status: 'failed', reason: page.nextProblem };
	if (!page.next) return null;
	const here = hash(url);
	const visited = before ? before.visited : here;
	const next = hash(page.next);
	if (next === here || includesHash(visited, next)) return { status: 'failed', reason: 'next_loop' };
	const empty = page.resources.length === 0;
	const content = empty ? (before?.last ?? '') : hash(page.resources.map(keyOf).join(' '));
	if (!empty && content === before?.last) return { status: 'failed', reason: 'page_repeated' };
	const turned: Paging = {
		next: page.next,
		page: (before?.page ?? 0) + 1,
		visited: visited + next,
		last: content,
		empty: empty ? (before?.empty ?? 0) + 1 : 0,
	};
	return turned.page >= MAX_PAGES || turned.empty >= MAX_EMPTY_PAGES
		? { status: 'failed', reason: 'too_many_pages' }
		: turned;
}

export function isProblem(turned: Paging | Problem | null): turned is Problem {
	return turned !== null && 'reason' in turned;
}
