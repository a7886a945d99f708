/** How long calls took, by route. */

export interface Percentiles {
	calls: number;
	/** Milliseconds. */
	p50: number;
	p99: number;
	most: number;
}

export class Latencies {
	readonly #byRoute = new Map<string, number[]>();

	add(route: string, ms: number): void {
		const all = this.#byRoute.get(route);
		if (all) all.push(ms);
		else this.#byRoute.set(route, [ms]);
	}

	of(route: string): Percentiles {
		const sorted = [...(this.#byRoute.get(route) ?? [])].sort((a, b) => a - b);
		const at = (share: number) =>
			sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
		return { calls: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
	}

	routes(): string[] {
		return [...this.#byRoute.keys()];
	}
}
