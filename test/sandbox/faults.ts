/** Faults that a test switches on, and the counters that tell it what was asked of the sandbox. */
export type Endpoint =
	| 'discovery'
	| 'metadata'
	| 'authorize'
	| 'callback' // the redirect back to the client
	| 'interaction'
	| 'token'
	| 'revoke'
	| 'introspect'
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
}

/** Several members may be set together. */
export interface FaultAction {
	/** Answers at once with this status. */
	status?: number;
	body?: string;
	headers?: Record<string, string>;
	contentType?: string;
	/** Answers 200 with a web page. */
	html?: boolean;
	/** Answers 200 with so many octets of JSON. */
	huge?: number;
	/** Redirects to itself for ever. */
	redirectLoop?: boolean;
	/** Never answers. */
	hang?: boolean;
	/** Closes the connection. */
	reset?: boolean;
	delayMs?: number;
	dropCors?: boolean;
	/** Members of the token response to replace; null removes one. */
	tokenPatch?: Record<string, unknown>;
	/** `next` links lead to this origin. */
	nextOrigin?: string;
	/** Searchsets carry a resource of somebody else. */
	foreignPatient?: boolean;
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
	/** Refreshes that succeeded. */
	refreshes: number;
	/** Refresh tokens presented again after they had been rotated away. */
	replays: number;
}

export interface FaultControl {
	/** Adds rules; the returned function takes them away again. */
	add(...rules: FaultRule[]): () => void;
	counts(system: string): Counts;
	/** No rules, counters at zero. */
	reset(): void;
	/** Ends grants with all their tokens, or only access tokens, at one system or everywhere. */
	expire(system?: string, what?: 'grants' | 'access'): void;
	/** Moves the end of every grant of a system. */
	endIn(system: string, seconds: number): void;
}

export class Faults {
	#rules: { rule: FaultRule; seen: number }[] = [];
	readonly #counts = new Map<string, Counts>();

	add(...rules: FaultRule[]): () => void {
		const added = rules.map((rule) => ({ rule, seen: 0 }));
		this.#rules.push(...added);
		return () => {
			this.#rules = this.#rules.filter((entry) => !added.includes(entry));
		};
	}

	counts(system: string): Counts {
		let counts = this.#counts.get(system);
		if (!counts) {
			counts = { requests: {}, types: {}, refreshes: 0, replays: 0 };
			this.#counts.set(system, counts);
		}
		return counts;
	}

	reset(): void {
		this.#rules = [];
		this.#counts.clear();
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
			Object.assign(action, rule.action);
		}
		return action;
	}
}
