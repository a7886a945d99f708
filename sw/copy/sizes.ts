/** How much each connection brought the last time it was read, by type: for estimates and for progress. */

/** Counts by type; empty where it was never read. */
export async function expectedCounts(_connectionId: string): Promise<Record<string, number>> {
	return {};
}
