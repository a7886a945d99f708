/**
 * Fetches sealed parts while the manifest is still waited for. More cannot be done that early: the key of a blob, how
 * many parts it has and their digests are in the manifest alone, so nothing is opened, unpacked or believed before it is
 * there. What was fetched lies sealed in a staging folder of its own and is compared with its digest when it is taken.
 *
 * A failure here is none: what is missing, or is not what the manifest names, is fetched again afterwards.
 */
import { LIMITS } from '../../contract.js';
import { AgentError, isTransient } from '../errors.js';
import { exchange, type World } from '../exchange.js';
import { Staging } from '../files/staging.js';
import {
	type Access,
	blobsRequest,
	type ListedPart,
	partRequest,
	processBlobsResponse,
	processSealedResponse,
} from '../protocol.js';

/** Requests at a time, here and after the manifest: also the sealed parts in memory. */
export const FETCHES = 4;

/** Requests for parts: a relay that lists more gets no more. */
const MOST_PARTS = LIMITS.partsPerBlob;

const nameOf = ({ bid, n }: { bid: string; n: number }) => `${bid}/${n}`;

export class Prefetch {
	readonly #world: World;
	readonly #stop = new AbortController();
	/** What was asked for, with its file in the staging folder, or null: that is not asked for again. */
	readonly #parts = new Map<string, Promise<string | null>>();
	#asked = 0;
	#queue: ListedPart[] = [];
	#fetching = 0;
	#listing: Promise<void> | undefined;
	#listAgain = false;
	/** Octets asked for: those the relay tells, which is also where reading each answer ends. */
	#bytes = 0;
	#notBefore = 0;
	#ended = false;
	#staging: Promise<Staging> | undefined;

	/** @param out the output folder; the staging folder comes beside the delivery's own */
	constructor(
		private readonly session: Access,
		private readonly out: string,
		world: World,
	) {
		const signals = [this.#stop.signal, ...(world.signal ? [world.signal] : [])];
		this.#world = { ...world, signal: AbortSignal.any(signals) };
	}

	/** Something has arrived at the relay: asks for its list, and for what is new on it. */
	look(): void {
		if (this.#ended || this.#world.now() < this.#notBefore) return;
		this.#listAgain = true;
		this.#listing ??= this.#list().finally(() => {
			this.#listing = undefined;
		});
	}

	/** The manifest has come: what is under way goes on, nothing new is begun. */
	end(): void {
		this.#ended = true;
		this.#queue = [];
	}

	/** The octets the relay gave for this part, unverified, or null. They are given once, and kept no longer. */
	async take(bid: string, n: number): Promise<Uint8Array | null> {
		const file = await this.#parts.get(nameOf({ bid, n }));
		if (!file) return null;
		return (await this.#staging)?.take(file).catch(() => null) ?? null;
	}

	/** Ends what is under way, too. */
	stop(): void {
		this.end();
		this.#stop.abort();
	}

	/** Stops, and removes what lies there: should that fail, it is sealed, and goes with the next delivery as stale. */
	async discard(): Promise<void> {
		this.stop();
		await this.#listing;
		await Promise.all(this.#parts.values());
		await this.#staging?.then((staging) => staging.discard()).catch(() => undefined);
	}

	async #list(): Promise<void> {
		try {
			while (this.#listAgain && !this.#ended) {
				this.#listAgain = false;
				const listed = await exchange(this.#world, blobsRequest(this.session), processBlobsResponse);
				if (this.#ended) return;
				this.#queue = listed.filter(({ bytes }) => bytes <= LIMITS.partBytes);
				this.#fetchMore();
			}
		} catch (error) {
			this.#failed(error);
		}
	}

	#fetchMore(): void {
		while (this.#fetching < FETCHES) {
			const part = this.#queue.shift();
			if (!part) break;
			if (this.#parts.has(nameOf(part))) continue;
			if (this.#asked >= MOST_PARTS || this.#bytes + part.bytes > LIMITS.maxBytes) continue;
			this.#bytes += part.bytes;
			this.#fetching++;
			const fetched = this.#fetch(part, this.#asked++)
				.catch((error: unknown) => {
					if (isTransient(error)) this.#parts.delete(nameOf(part));
					return this.#failed(error);
				})
				.finally(() => {
					this.#fetching--;
					this.#fetchMore();
					// What arrived while no poll was there to be woken.
					if (this.#fetching === 0) this.look();
				});
			this.#parts.set(nameOf(part), fetched);
		}
	}

	async #fetch(part: ListedPart, number: number): Promise<string> {
		const request = partRequest(this.session, part.bid, part.n);
		const read = (response: Response) => processSealedResponse(response, part.bytes);
		const octets = await exchange(this.#world, request, read, 600_000);
		this.#staging ??= Staging.create(this.out);
		const file = `${number}.sealed`;
		await (await this.#staging).append(file, octets);
		return file;
	}

	/** A relay in trouble is left alone for as long as it wants; a disk in trouble for good. */
	#failed(error: unknown): null {
		if (isTransient(error)) {
			this.#queue = [];
			this.#notBefore = this.#world.now() + Math.max(1, error.retryAfter ?? 0) * 1000;
		} else if (!(error instanceof AgentError) || error.code === 'output_failed' || error.code === 'output_unsafe') {
			this.end();
		}
		return null;
	}
}
