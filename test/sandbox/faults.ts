/** Faults that a test switches on, and the counters that tell it what was asked of the sandbox. */
import { createHash } from 'node:crypto';

export type Endpoint =
	| 'discovery'
	| 'metadata'
	| 'authorize'
	| 'callback' // the redirect back to the client
	| 'interaction'
	| 'token'
	| 'revoke'
	| 'introspect'
	| 'register'
	| 'fhir'
	| 'other';

export interface FaultMatch {
	endpoint: Endpoint;
	/** Resource type of a FHIR request. */
	type?: string;
	/** A part of the path and query. */
	url?: string;
	/** Only the n-th matching request, from 1. */
	nth?: number;
	/** Only the first so many matching requests. */
	times?: number;
	/** Only so long after the first matching request. */
	forMs?: number;
	/** Only about this share of them, from 0 to 1: by `seed`, address and repetition, so that their order does not matter. */
	share?: number;
	seed?: number;
}

/** Several members may be set together. */
export interface FaultAction {
	/** Answers at once with this status. */
	status?: number;
	/** Text; octets where it must be no text. */
	body?: string | Uint8Array;
	headers?: Record<string, string>;
	/** Adds `Retry-After` to such an answer: as the number, or as the date that it comes to. */
	retryAfter?: { seconds: number; as?: 'seconds' | 'date' };
	contentType?: string;
	/** Answers 200 with a web page. */
	html?: boolean;
	/** Answers 200 with so many octets of JSON. */
	huge?: number;
	/**
	 * Answers 200 with so many octets, made only as they are taken: with a Content-Length (the default), without one
	 * (`chunked`), or as what a small `Content-Encoding: gzip` unpacks to.
	 */
	flood?: { octets: number; as?: 'length' | 'chunked' | 'gzip' };
	/** Redirects to itself for ever. */
	redirectLoop?: boolean;
	/** Never answers. */
	hang?: boolean;
	/** Closes the connection. */
	reset?: boolean;
	/** Waits so long before anything happens. */
	delayMs?: number;
	/** Handles the request in full, then closes the connection instead of answering: a refresh token has rotated by then. */
	dropReply?: boolean;
	/** Handles the request in full, then keeps the answer until `release()`. */
	holdReply?: boolean;
	/** Handles the request in full, then answers so much later. */
	replyAfterMs?: number;
	dropCors?: boolean;
	/** Members of the token response to replace; null removes one. */
	tokenPatch?: Record<string, unknown>;
	/** `next` links lead to this origin. */
	nextOrigin?: string;
	/** What becomes of the `next` link of searchsets; see `spoil.ts`. */
	next?: 'gone' | 'elsewhere' | 'invalid' | 'self' | 'round' | 'again' | 'empty';
	/** Searchsets carry a resource of somebody else. */
	foreignPatient?: boolean;
	/** Every resource that is answered, by read or search, says that it is somebody else's. */
	reassign?: boolean;
	/** The answer's text stops in the middle, as if that were all of it. */
	truncate?: boolean;
	/** The connection breaks in the middle of the answer. */
	cut?: boolean;
	/** The answer comes one octet at a time, with so many milliseconds between them. */
	trickleMs?: number;
	/** All access tokens of the system end as this request comes. */
	expireAccess?: boolean;
	/** `iss` of the authorization response. */
	iss?: string;
}

export interface FaultRule {
	/** Every system where it is missing. */
	system?: string;
	match: FaultMatch;
	action: FaultAction;
}

export interface Counts {
	/** Requests by endpoint, preflights left out. */
	requests: Partial<Record<Endpoint, number>>;
	/** FHIR requests by resource type. */
	types: Record<string, number>;
	/** Refreshes that succeeded, those within a grace period too. */
	refreshes: number;
	/** Refresh tokens presented again after they had been rotated away and their grace was over. */
	replays: number;
	/** Grants that died of a replay. */
	familiesRevoked: number;
	/** Clients that were registered with a key of their own. */
	registrations: number;
	/** Octets of `flood` that were taken, before they are unpacked. */
	flooded: number;
}

export interface FaultControl {
	/** Adds rules; the returned function takes them away again. */
	add(...rules: FaultRule[]): () => void;
	counts(system: string): Counts;
	/** Handles what matches in full and keeps the answers; the returned function ends that for requests to come. */
	hold(rule: Omit<FaultRule, 'action'>): () => void;
	/** Resolves as soon as so many answers are kept: their requests are handled. */
	held(count?: number): Promise<void>;
	/** Sends every answer that is kept. */
	release(): void;
	/** No rules, nothing kept, counters at zero. */
	reset(): void;
	/** Ends grants with all their tokens, or only access tokens, at one system or everywhere. */
	expire(system?: string, what?: 'grants' | 'access'): void;
	/** Moves the end of every grant of a system. */
	endIn(system: string, seconds: number): void;
	/** What a patient does at the provider to end all access that they gave; everybody does without `username`. */
	takeBack(system: string, username?: string): void;
}

interface Entry {
	rule: FaultRule;
	seen: number;
	/** When the first request matched. */
	since: number | null;
	/** How often each address was asked for, where that decides. */
	asked: Map<string, number>;
}

/** A number in [0, 1) that depends on the text alone. */
function chance(text: string): number {
	return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

export class Faults {
	#rules: Entry[] = [];
	readonly #counts = new Map<string, Counts>();
	readonly #kept = new Set<() => void>();
	#watchers: (() => void)[] = [];

	/** Keeps an answer until it is released, or nobody waits for it any more. */
	keep(answer: () => void, gone: AbortSignal): void {
		this.#kept.add(answer);
		gone.addEventListener('abort', () => this.#kept.delete(answer), { once: true });
		for (const look of this.#watchers.splice(0)) look();
	}

	async held(count = 1): Promise<void> {
		while (this.#kept.size < count) await new Promise<void>((resolve) => this.#watchers.push(resolve));
	}

	release(): void {
		const kept = [...this.#kept];
		this.#kept.clear();
		for (const answer of kept) answer();
	}

	add(...rules: FaultRule[]): () => void {
		const added = rules.map((rule): Entry => ({ rule, seen: 0, since: null, asked: new Map() }));
		this.#rules.push(...added);
		return () => {
			this.#rules = this.#rules.filter((entry) => !added.includes(entry));
		};
	}

	counts(system: string): Counts {
		let counts = this.#counts.get(system);
		if (!counts) {
			counts = { requests: {}, types: {}, refreshes: 0, replays: 0, familiesRevoked: 0, registrations: 0, flooded: 0 };
			this.#counts.set(system, counts);
		}
		return counts;
	}

	reset(): void {
		this.#rules = [];
		this.#counts.clear();
		this.release();
	}

	/** Counts a request and answers what is to go wrong with it. */
	take(system: string, endpoint: Endpoint, type: string | undefined, url: string): FaultAction {
		const counts = this.counts(system);
		counts.requests[endpoint] = (counts.requests[endpoint] ?? 0) + 1;
		if (endpoint === 'fhir' && type) counts.types[type] = (counts.types[type] ?? 0) + 1;
		const action: FaultAction = {};
		for (const entry of this.#rules) {
			const { rule } = entry;
			const { match } = rule;
			// `iss` is named for the endpoint that a client knows; it shows in the redirect that ends the request.
			const wanted = rule.action.iss !== undefined && match.endpoint === 'authorize' ? 'callback' : match.endpoint;
			if (rule.system !== undefined && rule.system !== system) continue;
			if (wanted !== endpoint || (match.type !== undefined && match.type !== type)) continue;
			if (match.url !== undefined && !url.includes(match.url)) continue;
			entry.seen++;
			if (match.nth !== undefined && entry.seen !== match.nth) continue;
			if (match.times !== undefined && entry.seen > match.times) continue;
			entry.since ??= Date.now();
			if (match.forMs !== undefined && Date.now() - entry.since >= match.forMs) continue;
			if (match.share !== undefined) {
				const asked = (entry.asked.get(url) ?? 0) + 1;
				entry.asked.set(url, asked);
				if (chance(`${match.seed ?? 0} ${url} ${asked}`) >= match.share) continue;
			}
			Object.assign(action, rule.action);
		}
		return action;
	}
}
