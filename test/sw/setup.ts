/**
 * What a service worker has and Node has not, with a switch for its death. Import it in every test of `sw/`.
 *
 * A worker here is one generation of freshly loaded modules. `kill()` cuts a generation off from disk, network and locks
 * at once; its promises stay pending or fail, as nobody listens to them any more. What lies in IndexedDB stays.
 */
import 'fake-indexeddb/auto';
import { IDBFactory as FakeFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, vi } from 'vitest';
import { type Locks, memoryLocks } from './locks.js';

/** The app's origin, and so the relay's. */
export const ORIGIN = 'http://localhost:8787';

export type Responder = (request: Request) => Response | Promise<Response>;

/** Node's own fetch, for the loopback sandbox only. */
const realFetch = globalThis.fetch;

interface Generation {
	alive: boolean;
	/** Operations (requests and transactions) until it dies by itself. */
	operationsLeft: number;
	locks: Locks;
	died: Promise<'dead'>;
	die: () => void;
}

function generation(): Generation {
	let die = () => {};
	const died = new Promise<'dead'>((resolve) => {
		die = () => resolve('dead');
	});
	return { alive: true, operationsLeft: Number.POSITIVE_INFINITY, locks: memoryLocks(), died, die };
}

let disk = new FakeFactory();
let current = generation();
let responder: Responder | undefined;
let online = true;

/** Every request that left, with a copy of its body. */
export const sent: { method: string; url: string; headers: Headers; body: string }[] = [];

export const setOnline = (is: boolean): void => {
	online = is;
};

/** Answers every request from here on. A responder that throws is a network that fails. */
export function network(answer: Responder): void {
	responder = answer;
}

/** Ends the worker now. */
export function kill(): void {
	if (!current.alive) return;
	current.alive = false;
	current.die();
	current = generation();
	vi.resetModules();
}

/** The worker dies when it begins its n-th operation from here on, counted from 0. */
export function killAfter(operations: number): Promise<'dead'> {
	current.operationsLeft = operations;
	return current.died;
}

function operate(of: Generation): void {
	if (!of.alive) throw new Error('this worker is dead');
	if (of.operationsLeft-- <= 0) {
		kill();
		throw new Error('this worker is dead');
	}
}

const never = new Promise<never>(() => {});

/** The factory as one generation sees it: its handles stop working when it dies. */
function diskOf(): IDBFactory {
	return new Proxy(disk as unknown as IDBFactory, {
		get(target, name) {
			if (name !== 'open') {
				const member: unknown = Reflect.get(target, name, target);
				return typeof member === 'function' ? member.bind(target) : member;
			}
			return (...args: Parameters<IDBFactory['open']>) => {
				const owner = current;
				const request = target.open(...args);
				request.addEventListener('success', () => {
					const db = request.result;
					const transaction = db.transaction.bind(db);
					db.transaction = (...given: Parameters<IDBDatabase['transaction']>) => {
						operate(owner);
						return transaction(...given);
					};
				});
				return request;
			};
		},
	});
}

async function fakeFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
	const owner = current;
	const { duplex } = { duplex: 'half' as const };
	const request = new Request(input, { ...init, duplex } as RequestInit);
	try {
		operate(owner);
	} catch {
		return never;
	}
	sent.push({
		method: request.method,
		url: request.url,
		headers: request.headers,
		body: await request.clone().text(),
	});
	const aborted = new Promise<never>((_, reject) => {
		const fail = () => reject(request.signal.reason);
		if (request.signal.aborted) fail();
		else request.signal.addEventListener('abort', fail, { once: true });
	});
	const response = await Promise.race([follow(request), aborted]);
	return owner.alive ? response : never;
}

/** Redirects as fetch treats them. */
async function follow(request: Request, hops = 0): Promise<Response> {
	if (!online) throw new TypeError('fetch failed');
	// Fetch, section 4.1: without CORS there is no other redirect mode.
	if (request.mode === 'no-cors' && request.redirect !== 'follow') throw new TypeError('fetch failed');
	if (!responder) throw new Error(`no test answers ${request.method} ${request.url}`);
	const copy = request.clone();
	const response = await responder(request);
	const location = response.headers.get('Location');
	if (response.status >= 300 && response.status < 400 && location) {
		if (request.redirect === 'manual') return shown(new Response(null), { type: 'opaqueredirect', status: 0 });
		if (request.redirect === 'error' || hops >= 20) throw new TypeError('fetch failed');
		return follow(new Request(new URL(location, request.url), copy), hops + 1);
	}
	if (request.mode === 'no-cors') return shown(new Response(null), { type: 'opaque', status: 0 });
	withoutByob(response.body);
	return shown(response, { url: response.url || request.url });
}

/** Node 20 rejects a BYOB read of a stream that has closed, where the Streams standard has it end: so here are no byte streams. */
function withoutByob(body: ReadableStream | null): void {
	if (!body) return;
	const getReader = body.getReader.bind(body);
	body.getReader = ((options?: ReadableStreamGetReaderOptions) => {
		if (options) throw new TypeError('not a byte stream');
		return getReader();
	}) as typeof body.getReader;
}

function shown(response: Response, as: Partial<Record<'type' | 'url' | 'status', unknown>>): Response {
	for (const [name, value] of Object.entries(as)) Object.defineProperty(response, name, { value });
	return response;
}

/** Carries a request over the real loopback; nothing else is reachable. */
export function loopback(origin: string): Responder {
	if (!/^http:\/\/(localhost|127\.0\.0\.1):\d+$/.test(origin)) throw new Error(`not loopback: ${origin}`);
	return async (request) => {
		if (new URL(request.url).origin !== origin) throw new TypeError('fetch failed');
		const headers = new Headers(request.headers);
		headers.set('Origin', ORIGIN);
		const body = request.method === 'GET' ? null : await request.arrayBuffer();
		const init = { method: request.method, headers, body, redirect: 'manual' as const, signal: request.signal };
		const response = await realFetch(request.url, init);
		// What a browser keeps from a script without CORS.
		if (request.mode === 'cors' && !response.headers.get('Access-Control-Allow-Origin')) {
			await response.body?.cancel();
			throw new TypeError('fetch failed');
		}
		return response;
	};
}

/** Runs what is no part of the worker (a person with a browser, say) on the real loopback. */
export async function outside<T>(run: () => Promise<T>): Promise<T> {
	define('fetch', (input: string, init?: RequestInit) => {
		if (!/^(localhost|127\.0\.0\.1)$/.test(new URL(input).hostname)) throw new Error(`not loopback: ${input}`);
		return realFetch(input, init);
	});
	try {
		return await run();
	} finally {
		define('fetch', fakeFetch);
	}
}

/** Everything from here on happens in another browser: nothing is stored there, and the worker is a new one. */
export function anotherDisk(): void {
	kill();
	disk = new FakeFactory();
	define('indexedDB', diskOf());
}

/** All rows as they lie on disk. */
export async function rowsOnDisk(): Promise<{ key: IDBValidKey; value: unknown }[]> {
	return withStore('readonly', async (store) => {
		const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
		return keys.map((key, i) => ({ key, value: values[i] as unknown }));
	});
}

/** Does something to the wallet's store behind the worker's back. */
export async function withStore<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => Promise<T>): Promise<T> {
	const opening = (disk as unknown as IDBFactory).open('satchel', 1);
	opening.onupgradeneeded = () => opening.result.createObjectStore('wallet');
	const db = await result(opening);
	try {
		return await run(db.transaction('wallet', mode).objectStore('wallet'));
	} finally {
		db.close();
	}
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

/** Everything in a value that could be read as text: strings and octets. */
export function textIn(value: unknown): string {
	if (typeof value === 'string') return value;
	if (value instanceof ArrayBuffer) return Buffer.from(value).toString('latin1');
	if (ArrayBuffer.isView(value))
		return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
	if (typeof value === 'object' && value !== null) return Object.values(value).map(textIn).join('\n');
	return String(value);
}

/** The code of whatever an action throws; undefined if it does not. */
export async function codeOf(action: Promise<unknown> | (() => unknown)): Promise<string | undefined> {
	try {
		await (typeof action === 'function' ? action() : action);
		return undefined;
	} catch (error) {
		return error instanceof Error && 'code' in error ? String(error.code) : `${error}`;
	}
}

export const json = (body: unknown, init: ResponseInit = {}): Response => Response.json(body, init);

function define(name: string, value: unknown): void {
	Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

define('self', globalThis);
define('location', { origin: ORIGIN, href: `${ORIGIN}/sw.js` });
define('navigator', {
	get onLine() {
		return online;
	},
	get locks() {
		return current.locks;
	},
});
const channels = new Set<BroadcastChannel>();
const Channel = globalThis.BroadcastChannel;
define(
	'BroadcastChannel',
	class extends Channel {
		private readonly owner = current;

		constructor(name: string) {
			super(name);
			channels.add(this);
			(this as unknown as { unref(): void }).unref();
		}

		override postMessage(message: unknown): void {
			// The dead say nothing.
			if (this.owner.alive) super.postMessage(message);
		}
	},
);

beforeEach(() => {
	disk = new FakeFactory();
	define('indexedDB', diskOf());
	define('fetch', fakeFetch);
	current = generation();
	responder = undefined;
	online = true;
	sent.length = 0;
	vi.resetModules();
});

afterEach(() => {
	// Nothing of a worker outlives its test: neither a timer nor a slice that nobody waits for.
	kill();
	for (const channel of channels) channel.close();
	channels.clear();
	vi.useRealTimers();
	vi.restoreAllMocks();
});
