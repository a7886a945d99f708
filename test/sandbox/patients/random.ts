/** Repeatable chance: the same seed gives the same record on every machine. */
export interface Random {
	/** In [0, 1). */
	next(): number;
	/** In [low, high], whole. */
	whole(low: number, high: number): number;
	pick<T>(items: readonly T[]): T;
	chance(probability: number): boolean;
}

/** mulberry32 over an FNV-1a hash of the seed; neither is meant to keep a secret. */
export function random(seed: string): Random {
	let state = fnv(seed);
	const next = () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
	return {
		next,
		whole,
		pick: (items) => items[whole(0, items.length - 1)]!,
		chance: (probability) => next() < probability,
	};
}

function fnv(text: string): number {
	let hash = 0x811c9dc5;
	for (const octet of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ octet, 0x01000193);
	return hash >>> 0;
}

/** An id that only the seed decides. */
export function idOf(seed: string): string {
	const parts = [seed, `${seed}#`, `#${seed}`].map((text) => fnv(text).toString(36).padStart(7, '0'));
	return `e${parts.join('')}`;
}
