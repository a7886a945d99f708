/** The records in the folder as they are now; what was read of them is kept between calls, and no longer than they are. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answers, openAnswers } from '../answers/answers.js';
import { AgentError } from '../errors.js';
import { INDEX } from '../layout.js';

export class Records {
	readonly #out: string;
	readonly #signal: AbortSignal;
	readonly #isAwaited: () => boolean;
	#open: { stamp: string; answers: Promise<Answers> } | undefined;

	/**
	 * @param out the output folder
	 * @param signal ends all reading
	 * @param isAwaited whether a request is under way
	 */
	constructor(out: string, signal: AbortSignal, isAwaited: () => boolean) {
		this.#out = out;
		this.#signal = signal;
		this.#isAwaited = isAwaited;
	}

	/** Whether a delivery is there; not, whether it can be read. */
	async areHere(): Promise<boolean> {
		return (await this.#stamp()) !== null;
	}

	/** @throws {AgentError} `no_records`, `records_damaged` */
	async answers(): Promise<Answers> {
		const stamp = await this.#stamp();
		if (stamp === null || this.#open?.stamp !== stamp) this.forget();
		if (stamp === null && this.#isAwaited())
			throw new AgentError('no_records', { detail: 'a request is under way; call wait_for_records' });
		if (stamp === null) return openAnswers(this.#out, this.#signal);
		this.#open ??= { stamp, answers: openAnswers(this.#out, this.#signal) };
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
