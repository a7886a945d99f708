/**
 * Every request of the worker to another origin goes through here: time limit, size cap, no cookies, no cache, no
 * referrer, no redirects unless asked for, and one classification of everything that can go wrong.
 */
import type { ErrorCode } from './contract.js';
import { BrokerError } from './errors.js';

export interface HttpOptions {
	method?: string;
	headers?: Record<string, string>;
	body?: BodyInit;
	/** Milliseconds until the answer's end. */
	timeout?: number;
	/** Ends the request before that. */
	signal?: AbortSignal;
	/** The most octets of body that are read. */
	maxBytes?: number;
	/** Follow redirects. Never together with a bearer token: where it would go is not known beforehand. */
	follow?: boolean;
	/** Which code a body over `maxBytes` gets. */
	tooLarge?: ErrorCode;
	/** Which code an endless or unwanted redirect gets. */
	redirected?: ErrorCode;
}

/** An answer, read to its end. */
export interface HttpAnswer {
	status: number;
	headers: Headers;
	/** Where it came from in the end, after redirects. */
	url: string;
	bytes: Uint8Array<ArrayBuffer>;
}

const MIB = 1024 * 1024;

/**
 * @throws {BrokerError} `offline`, `timeout`, `network`, `cors`, `options.tooLarge`, `options.redirected`. Any HTTP
 * status is an answer, not an error.
 */
export async function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
	const { timeout = 30_000, maxBytes = 4 * MIB, follow = false } = options;
	const { tooLarge = 'provider_error', redirected = 'provider_error' } = options;
	const limit = AbortSignal.timeout(timeout);
	const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
	const send = (redirect: RequestRedirect) =>
		fetch(url, {
			method: options.method ?? 'GET',
			headers: options.headers ?? {},
			...(options.body === undefined ? {} : { body: options.body }),
			redirect,
			signal,
			cache: 'no-store',
			credentials: 'omit',
			referrerPolicy: 'no-referrer',
		});
	let response: Response;
	try {
		response = await send(follow ? 'follow' : 'manual');
	} catch (cause) {
		// A loop of redirects and a missing CORS header look alike to fetch; only a second look tells them apart.
		if (follow && !signal.aborted && (await isRedirect(send))) throw new BrokerError(redirected, { cause });
		throw await unreachable(url, signal, cause);
	}
	if (response.type === 'opaqueredirect') throw new BrokerError(redirected);
	try {
		const bytes = await readCapped(response, maxBytes);
		if (!bytes) throw new BrokerError(tooLarge);
		return { status: response.status, headers: response.headers, url: response.url, bytes };
	} catch (cause) {
		if (cause instanceof BrokerError) throw cause;
		// The answer had begun, so it is not CORS that hides it.
		throw new BrokerError(signal.aborted ? 'timeout' : navigator.onLine ? 'network' : 'offline', { cause });
	}
}

async function isRedirect(send: (redirect: RequestRedirect) => Promise<Response>): Promise<boolean> {
	try {
		return (await send('manual')).type === 'opaqueredirect';
	} catch {
		return false;
	}
}

/** What a fetch that threw means. */
async function unreachable(url: string, signal: AbortSignal, cause: unknown): Promise<BrokerError> {
	if (signal.aborted) return new BrokerError('timeout', { cause });
	if (!navigator.onLine) return new BrokerError('offline', { cause });
	try {
		// An opaque answer proves that the server is there and that only CORS hides it.
		await fetch(url, {
			// Fetch allows no other redirect mode here ("main fetch", step for "no-cors").
			mode: 'no-cors',
			redirect: 'follow',
			credentials: 'omit',
			cache: 'no-store',
			referrerPolicy: 'no-referrer',
			signal: AbortSignal.timeout(10_000),
		});
		return new BrokerError('cors', { cause });
	} catch {
		return new BrokerError('network', { cause });
	}
}

/** Where nothing says how much will come. */
const FIRST_ROOM = 16 * 1024;

/**
 * The body, or undefined once it is larger than `maxBytes`; what `Content-Length` says is not trusted to be small, and is
 * another number where there is a content coding. All of it goes into one buffer: what is left lying of each piece is
 * collected late, and adds up to more than the answers themselves.
 */
async function readCapped(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
	const { body, headers } = response;
	const told = Number(headers.get('Content-Length'));
	if (told > maxBytes) {
		await body?.cancel();
		return undefined;
	}
	if (!body) return new Uint8Array(0);
	// Room for one more than will come: only who asks for that learns that it was all.
	let octets: Uint8Array<ArrayBuffer> = new Uint8Array(Math.min(maxBytes, told || FIRST_ROOM) + 1);
	const filler = fillerOf(body);
	for (let size = 0; ; ) {
		const read = await filler.fill(octets, size);
		octets = read.octets;
		size = read.size;
		if (size > maxBytes) {
			await filler.cancel();
			return undefined;
		}
		if (read.done) return octets.subarray(0, size);
		if (size === octets.length) octets = withRoom(octets, Math.min(maxBytes + 1, 2 * size));
	}
}

function withRoom(octets: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
	const larger = new Uint8Array(length);
	larger.set(octets);
	return larger;
}

interface Filler {
	/** Puts what comes next into `octets` from `size` on, as much as there is room for or more. The buffer may be another one after it. */
	fill(octets: Uint8Array<ArrayBuffer>, size: number): Promise<Filled>;
	cancel(): Promise<void>;
}
type Filled = { octets: Uint8Array<ArrayBuffer>; size: number; done: boolean };

function fillerOf(body: ReadableStream<Uint8Array>): Filler {
	let reader: ReadableStreamBYOBReader;
	try {
		reader = body.getReader({ mode: 'byob' });
	} catch {
		// Not every browser's bodies are byte streams.
		return pieceFiller(body.getReader());
	}
	return {
		async fill(octets, size) {
			const room = octets.subarray(size);
			// Without `min`, where a browser does not know it, it takes more turns.
			const { done, value } = await reader.read(room, { min: room.length } as never);
			if (!value) return { octets, size, done };
			return { octets: new Uint8Array(value.buffer as ArrayBuffer), size: size + value.length, done };
		},
		cancel: () => reader.cancel(),
	};
}

function pieceFiller(reader: ReadableStreamDefaultReader<Uint8Array>): Filler {
	return {
		async fill(octets, size) {
			const { done, value } = await reader.read();
			if (!value) return { octets, size, done };
			const end = size + value.length;
			const into = end > octets.length ? withRoom(octets, 2 * end) : octets;
			into.set(value, size);
			return { octets: into, size: end, done };
		},
		cancel: () => reader.cancel(),
	};
}

export function bodyText(answer: { bytes: Uint8Array }): string {
	return new TextDecoder().decode(answer.bytes);
}

/** The answer's JSON object, or undefined if it is anything else. */
export function bodyJson(answer: { bytes: Uint8Array }): Record<string, unknown> | undefined {
	try {
		const json: unknown = JSON.parse(bodyText(answer));
		return typeof json === 'object' && json !== null && !Array.isArray(json)
			? (json as Record<string, unknown>)
			: undefined;
	} catch {
		return undefined;
	}
}

/** No server's word keeps the wallet away for longer. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000;

/** `Retry-After` (RFC 9110, section 10.2.3) as a time in milliseconds since the epoch. */
export function retryAfter(headers: Headers, now: number): number | undefined {
	const value = headers.get('Retry-After')?.trim();
	if (!value) return undefined;
	const at = /^\d+$/.test(value) ? now + Number(value) * 1000 : Date.parse(value);
	return Number.isNaN(at) ? undefined : Math.min(at, now + LONGEST_WAIT_MS);
}

/** TLS only, except on this machine itself (S:1). */
export function isLoopback(url: URL): boolean {
	return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** @throws {BrokerError} `url_invalid`, `url_insecure` */
export function checkedUrl(text: string, base?: string): URL {
	let url: URL;
	try {
		url = new URL(text, base);
	} catch (cause) {
		throw new BrokerError('url_invalid', { cause });
	}
	if (url.username || url.password || !/^https?:$/.test(url.protocol)) throw new BrokerError('url_invalid');
	if (url.protocol !== 'https:' && !isLoopback(url)) throw new BrokerError('url_insecure');
	return url;
}
