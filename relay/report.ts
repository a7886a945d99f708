/** What became of a source's queries, as it is told: pure, and the same for the wallet's downloads and the agent's index. */
import type { QueryReport } from './contract.js';

/** The reports of one source, in short. */
export interface Told {
	/** How many ended in which way, without those that are `optional` and were refused. */
	summary: Record<QueryReport['status'], number>;
	/** Those that were refused or failed: what is missing, or with `keptFrom` is from an older reading. */
	failed: QueryReport[];
	/** By resource type, how what is there was found where the provider does not let everything be asked for. */
	notes?: Record<string, string>;
}

export function tell(queries: readonly QueryReport[]): Told {
	const summary = { ok: 0, empty: 0, refused: 0, failed: 0 };
	for (const query of queries) if (!query.optional) summary[query.status]++;
	const notes = notesOf(queries);
	return { summary, failed: queries.filter(isGap), ...(Object.keys(notes).length > 0 && { notes }) };
}

/** Whether something is missing for it, or older. */
export function isGap({ status, optional }: QueryReport): boolean {
	return (status === 'refused' || status === 'failed') && !optional;
}

/**
 * A type that could be asked for by some parameter only, and for the rest not at all, is there as far as it has a value that
 * was asked for. Nobody knows whether there is more.
 */
function notesOf(queries: readonly QueryReport[]): Record<string, string> {
	const notes: Record<string, string> = {};
	for (const { query, optional } of queries) {
		const type = /^[A-Za-z]{1,64}(?=\?)/.exec(query)?.[0];
		const by = asksBy(query);
		if (!optional || !type || !by || Object.hasOwn(notes, type)) continue;
		const ways = new Set(
			queries
				.filter((one) => one.query.startsWith(`${type}?`) && (one.status === 'ok' || one.status === 'empty'))
				.map((one) => asksBy(one.query)),
		);
		if (ways.size === 0 || ways.has(undefined) || ways.has(by)) continue;
		notes[type] = `only resources of a ${[...ways].sort().join(' or ')} that was asked for, see queries`;
	}
	return notes;
}

/** Names of parameters that say what is asked of the patient: not which patient, nor how the answer is to come. */
const ASKS = /^(?!(?:patient|subject|beneficiary)$)[a-z]{1,30}(?:-[a-z]{1,30})*$/;

/** The last such parameter of a query. */
function asksBy(query: string): string | undefined {
	const names = query.split('?')[1]?.split('&') ?? [];
	return names.map((one) => one.split('=')[0] ?? '').findLast((name) => ASKS.test(name));
}
