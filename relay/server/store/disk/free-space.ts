/** Keeps room on the disk: what would leave less than that is not begun. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../../clock.js';
import { RelayError } from '../../errors.js';

const CACHE_MS = 1000;

/** Seconds after which sessions may have ended. */
const RETRY_AFTER = 60;

export class FreeSpace {
	#free: Promise<number> | null = null;
	#askedAt = 0;
	/** Octets of uploads under way, and of those that ended since the disk was asked. */
	#taken = 0;
	#ended = 0;

	constructor(
		private readonly directory: string,
		private readonly least: number,
		private readonly clock: Clock,
	) {}

	/** Octets that may be taken now; negative when the least is not there. */
	async left(): Promise<number> {
		const free = await this.#ask();
		return free - this.#taken - this.#ended - this.least;
	}

	/**
	 * Runs `task` with `bytes` set aside. What of them is written already counts twice, for as long as it runs.
	 * @throws {RelayError} `unavailable` when less than the least would be left
	 */
	async within<T>(bytes: number, task: () => Promise<T>): Promise<T> {
		// Before the disk is asked: those that come meanwhile must see each other.
		this.#taken += bytes;
		let begun = false;
		try {
			if ((await this.left()) < 0) throw new RelayError('unavailable', { retryAfter: RETRY_AFTER });
			begun = true;
			return await task();
		} finally {
			this.#taken -= bytes;
			if (begun) this.#ended += bytes;
		}
	}

	#ask(): Promise<number> {
		const now = this.clock.now();
		if (this.#free && now - this.#askedAt < CACHE_MS) return this.#free;
		this.#askedAt = now;
		this.#ended = 0;
		const free = statfs(this.directory).then(({ bavail, bsize }) => bavail * bsize);
		free.catch(() => {
			this.#free = null;
		});
		this.#free = free;
		return free;
	}
}
