/** How much each connection brought the last time it was read, by type: for estimates and for progress. */
import type { SourceProgress } from '../contract.js';
import { referencedTypes } from '../fhir/searches.js';
import { getConnection } from '../wallet/connections.js';
import { read, upsert } from '../wallet/rows.js';
import { getCopy, sizesKey } from './copy.js';

export interface Sizes {
	at: number;
	types: Record<string, { count: number; bytes: number }>;
}

/** Counts by type; empty where it was never read. */
export async function expectedCounts(connectionId: string): Promise<Record<string, number>> {
	const types = (await sizesOf(connectionId))?.types ?? {};
	return Object.fromEntries(Object.entries(types).map(([type, { count }]) => [type, count]));
}

/** The copy's, or of the last reading. */
export async function sizesOf(connectionId: string): Promise<Sizes | undefined> {
	const connection = await getConnection(connectionId);
	const copy = connection && (await getCopy(connection));
	return copy ?? (await read<Sizes>(sizesKey(connectionId)))?.value;
}

/**
 * Notes what a reading from the provider brought. A type that could not be read keeps what was known of it.
 * @param wants what the reading was restricted to: then it says nothing of other types, nor of everything that is referred to
 */
export async function noteSizes(
	{ connectionId, kinds }: SourceProgress,
	at: number,
	wants: readonly string[],
): Promise<void> {
	if (!(await getConnection(connectionId))) return;
	const partly = (type: string) => wants.length > 0 && (type === 'Binary' || referencedTypes.includes(type));
	await upsert<Sizes>(sizesKey(connectionId), (before) => {
		if (before && before.at === at) return undefined;
		const types = { ...before?.types };
		for (const { type, count, bytes, status } of kinds) {
			const known = Object.hasOwn(types, type) ? types[type] : undefined;
			const whole = status === 'ok' || status === 'empty';
			if (!known || (whole && !partly(type)) || count > known.count) types[type] = { count, bytes };
		}
		return { at, types };
	});
}
