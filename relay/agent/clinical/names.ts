/** What references lead to, of a whole library: names and medicines, as little of each as a line needs. */

import type { SourceEntry } from '../files/records.js';
import { clean, type Json, record } from '../json.js';
import type { Library } from '../library/library.js';
import { ownId } from '../library/ref.js';
import { localReference } from '../library/reference.js';
import { codesOf, titleOf } from './concept.js';
import type { Resolve } from './fact.js';
import { ingredientsOf } from './medication.js';
import { Smallest } from './smallest.js';
import { personName } from './told.js';

const NAMED = ['Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole', 'Condition'];
/** Names that are remembered; a reference to one beyond them stays without a name. */
const MOST = 50_000;

/** Reads the library once. @throws {AgentError} `records_damaged` */
export async function readNames(library: Library): Promise<(source: SourceEntry) => Resolve> {
	const known = new Smallest<Json>(MOST);
	for await (const { source, resource } of library.items(NAMED)) {
		const id = ownId(resource);
		const slim = slimmed(resource);
		if (id === null || slim === null) continue;
		// Two of one id are a mistake; which of them is told must not depend on their order.
		known.add(
			`${source.folder}/${slim.resourceType}/${id}`,
			() => slim,
			(one) => (JSON.stringify(one) <= JSON.stringify(slim) ? one : slim),
		);
	}
	known.settle();
	return (source) => {
		const resolve = (reference: string) => {
			const local = localReference(reference, source);
			return local === null ? null : (known.get(`${source.folder}/${local}`) ?? null);
		};
		const own = `Patient/${source.patient.id}`;
		return Object.assign(resolve, { isOwn: (reference: string) => localReference(reference, source) === own });
	};
}

/** As little of it as a line needs. Null where nothing can be made of it: its own line says so, and the others keep their names. */
function slimmed(resource: Json): Json | null {
	try {
		const { resourceType, name, code, practitioner } = resource;
		const title = titleOf(code) ?? ingredientsOf(resource);
		const spelt = personName(name);
		const role = record(practitioner);
		return {
			resourceType,
			...(spelt !== null && { name: [{ text: spelt }] }),
			...((code !== undefined || title !== null) && {
				code: { ...(title !== null && { text: title }), coding: codesOf(code) },
			}),
			...(practitioner !== undefined && {
				practitioner: { display: clean(role.display) ?? undefined, reference: clean(role.reference) ?? undefined },
			}),
		};
	} catch {
		return null;
	}
}
