/** What references lead to, of a whole library: names and medicines, as little of each as a line needs. */

import type { SourceEntry } from '../files/records.js';
import type { Library } from '../library/library.js';
import { codesOf, titleOf } from './concept.js';
import type { Resolve } from './fact.js';
import { clean, type Json, record } from './shape.js';
import { Smallest } from './smallest.js';
import { personName } from './told.js';

const NAMED = ['Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole', 'Condition'];
/** Names that are remembered; a reference to one beyond them stays without a name. */
const MOST = 50_000;

/** Reads the library once. @throws {AgentError} `records_damaged` */
export async function readNames(library: Library): Promise<(source: SourceEntry) => Resolve> {
	const known = new Smallest<Json>(MOST);
	for await (const { source, resource } of library.items(NAMED)) {
		const { resourceType, id } = resource;
		if (typeof id !== 'string' || id.length > 200 || typeof resourceType !== 'string') continue;
		const slim = slimmed(resource);
		const key = `${source.folder}/${resourceType}/${id}`;
		// Two of one id are a mistake; which of them is told must not depend on their order.
		known.add(
			key,
			() => slim,
			(one) => (JSON.stringify(one) <= JSON.stringify(slim) ? one : slim),
		);
	}
	known.settle();
	return ({ folder }) =>
		(reference) => {
			const local = /([A-Za-z]{1,64}\/[A-Za-z0-9.-]{1,200})(?:\/_history\/[^/]*)?$/.exec(reference.slice(-2000))?.[1];
			return local === undefined ? null : (known.get(`${folder}/${local}`) ?? null);
		};
}

function slimmed({ resourceType, name, code, practitioner }: Json): Json {
	const title = titleOf(code);
	const spelt = personName(name);
	const role = record(practitioner);
	return {
		resourceType,
		...(spelt !== null && { name: [{ text: spelt }] }),
		...(code !== undefined && { code: { ...(title !== null && { text: title }), coding: codesOf(code) } }),
		...(practitioner !== undefined && {
			practitioner: { display: clean(role.display) ?? undefined, reference: clean(role.reference) ?? undefined },
		}),
	};
}
