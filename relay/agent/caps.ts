/** How much is taken in: what opens a delivery keeps to it, and what reads one back need expect no more. */

/** Octets after unpacking. */
export interface Caps {
	/** Of one part; the agent holds two in memory at a time. */
	partBytes: number;
	/** Of all sources together. */
	totalBytes: number;
	/** Lines of all sources together: each costs more than its octets. */
	totalResources: number;
}

export const CAPS: Caps = {
	partBytes: 96 * 1024 * 1024,
	totalBytes: 4 * 1024 * 1024 * 1024,
	totalResources: 5_000_000,
};
