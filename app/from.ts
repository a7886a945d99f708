/** Where a connection's records come from, fresh or from the copy on this device, and about how much that is. Pure. */
import type { Collecting, ConnectionView, Estimate, From } from '../sw/contract.js';

type Source = Pick<ConnectionView, 'id' | 'status' | 'copy'>;

/** Null where nothing can be had: access has ended, and there is no copy. Then only signing in again helps. */
export function fromOf({ id, status, copy }: Source, chosen: Record<string, From>): From | null {
	if (status === 'expired') return copy ? 'copy' : null;
	return copy && chosen[id] === 'copy' ? 'copy' : 'provider';
}

/** What is proposed as a connection is chosen. */
export function proposed(connection: Source, prefer: Collecting['prefer']): From {
	if (!connection.copy) return 'provider';
	return connection.status === 'expired' || prefer === 'copy' ? 'copy' : 'provider';
}

/** Those of `include` that can be had, in their order, and where each comes from. */
export function usable(
	connections: Source[],
	include: string[],
	chosen: Record<string, From>,
): { include: string[]; from: Record<string, From> } {
	const from: Record<string, From> = {};
	for (const id of include) {
		const connection = connections.find((one) => one.id === id);
		const where = connection && fromOf(connection, chosen);
		if (where) from[id] = where;
	}
	return { include: Object.keys(from), from };
}

export interface Total {
	/** Null where not one of them is known. */
	resources: number | null;
	bytes: number | null;
	tokens: number | null;
	/** How many connections something is not known of: then the whole is more. */
	unknown: number;
}

export function totalOf(estimates: Estimate[]): Total {
	const sum = (of: 'resources' | 'bytes' | 'tokens') => {
		const known = estimates.flatMap((one) => one[of] ?? []);
		return known.length ? known.reduce((total, value) => total + value, 0) : null;
	};
	return {
		resources: sum('resources'),
		bytes: sum('bytes'),
		tokens: sum('tokens'),
		unknown: estimates.filter(({ resources, atLeast }) => resources === null || atLeast).length,
	};
}
