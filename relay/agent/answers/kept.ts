/** The last few answers as a whole, so that the next page of one costs nothing. */
import type { Whole } from './pages.js';

const ANSWERS = 4;
/** Characters of one that is kept. */
const LARGEST = 8_000_000;

export class Kept {
	readonly #answers = new Map<string, Whole>();

	async get(question: string, make: () => Promise<Whole> | Whole): Promise<Whole> {
		const known = this.#answers.get(question);
		if (known) return known;
		const whole = await make();
		if (whole.body.length > LARGEST) return whole;
		const [oldest] = this.#answers.keys();
		if (oldest !== undefined && this.#answers.size >= ANSWERS) this.#answers.delete(oldest);
		this.#answers.set(question, whole);
		return whole;
	}
}
