/** How much of one kind may be under way at a time, uploads or downloads: what is beyond that is refused, not kept waiting. */
import { RelayError } from '../errors.js';

/** Seconds after which some of all that is under way will have ended. */
const RETRY_AFTER = 5;

interface AdmissionLimits {
	/** In this process: `unavailable` beyond it. */
	most?: number;
	/** Of one session, or one address: `too_many_requests` beyond it. */
	mostOfOne?: number;
}

export class Admission {
	#all = 0;
	readonly #ofOne = new Map<string, number>();

	constructor(private readonly limits: AdmissionLimits) {}

	/** How many there are now. */
	get count(): number {
		return this.#all;
	}

	/**
	 * @returns what is called when it is over; a second time it does nothing
	 * @throws {RelayError} `too_many_requests`, `unavailable`
	 */
	enter(whose: string): () => void {
		const { most = Number.POSITIVE_INFINITY, mostOfOne = Number.POSITIVE_INFINITY } = this.limits;
		const count = this.#ofOne.get(whose) ?? 0;
		if (count >= mostOfOne) throw new RelayError('too_many_requests', { retryAfter: 1 });
		if (this.#all >= most) throw new RelayError('unavailable', { retryAfter: RETRY_AFTER });
		this.#all++;
		this.#ofOne.set(whose, count + 1);
		let over = false;
		return () => {
			if (over) return;
			over = true;
			this.#all--;
			const left = (this.#ofOne.get(whose) ?? 1) - 1;
			if (left > 0) this.#ofOne.set(whose, left);
			else this.#ofOne.delete(whose);
		};
	}
}
