/** The records in the folder as they are now; what was read of them is kept between calls, and no longer than they are. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answers, openAnswers } from '../answers/answers.js';
import { INDEX } from '../files/staging.js';

export class Records {
	readonly #out: string;
	#open: { stamp: string; answers: Promise<Answers> } | undefined;

	/** @param out the output folder */
	constructor(out: string) {
		this.#out = out;
	}

	/** Whether a delivery is there; not, whether it can be read. */
	async areHere(): Promise<boolean> {
		return (await this.#stamp()) !== null;
	}

	/** @throws {AgentError} `no_records`, `records_damaged` */
	async answers(): Promise<Answers> {
		const stamp = await this.#stamp();
		if (stamp === null || this.#open?.stamp !== stamp) this.forget();
		if (stamp === null) return openAnswers(this.#out);
		this.#open ??= { stamp, answers: openAnswers(this.#out) };
		const { answers } = this.#open;
		// What cannot be opened now may be mended.
		answers.catch(() => this.forget());
		return answers;
	}

	forget(): void {
		this.#open = undefined;
	}

	/** Another one for every delivery: the index is moved into place, never written over. */
	async #stamp(): Promise<string | null> {
		const index = await stat(join(this.#out, INDEX)).catch(() => null);
		return index && `${index.ino} ${index.mtimeMs} ${index.size}`;
	}
}
