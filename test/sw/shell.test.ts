import { beforeEach, expect, test, vi } from 'vitest';
import type { Kdf } from '../../sw/contract.js';
import { network, ORIGIN, sent, setOnline } from './setup.js';
import { connection } from './wallet/support.js';

/** Named by a variable: the worker's types (FetchEvent and such) are not those that tests are checked with. */
const SHELL = '../../sw/shell.js';
interface File {
	url: string;
	revision: string | null;
}
async function load(files: File[]): Promise<void> {
	const { routeRequests }: { routeRequests(precached: File[]): void } = await import(SHELL);
	routeRequests(files);
}

/** ExtendableEvent and FetchEvent in one (Service Workers, sections 4.4 and 4.6). */
class WorkerEvent {
	readonly work: unknown[] = [];
	answer: Promise<Response> | undefined;

	constructor(
		readonly type: string,
		readonly request?: Request,
	) {}

	waitUntil(work: unknown): void {
		this.work.push(work);
	}

	respondWith(answer: Promise<Response>): void {
		this.answer = answer;
	}
}

type Listener = (event: WorkerEvent) => void;
const listeners = new Map<string, Listener[]>();
/** Cache Storage in memory: by name, then by URL. */
const stored = new Map<string, Map<string, Response>>();

const urlOf = (of: string | Request) => new URL(typeof of === 'string' ? of : of.url, ORIGIN).href;

function cacheOf(name: string) {
	const rows = stored.get(name) ?? new Map<string, Response>();
	stored.set(name, rows);
	return {
		match: async (of: string | Request) => rows.get(urlOf(of))?.clone(),
		put: async (of: string | Request, response: Response) => void rows.set(urlOf(of), response),
		delete: async (of: string | Request) => rows.delete(urlOf(of)),
		keys: async () => [...rows.keys()].map((url) => new Request(url)),
	};
}

/** Relative addresses are those of the worker, as in a browser. */
class Relative extends Request {
	constructor(input: string | URL | Request, init?: RequestInit) {
		super(input instanceof Request ? input : new URL(input, ORIGIN), init);
	}
}

beforeEach(() => {
	listeners.clear();
	stored.clear();
	vi.stubGlobal('__WB_DISABLE_DEV_LOGS', true);
	vi.stubGlobal('registration', { scope: `${ORIGIN}/` });
	vi.stubGlobal('ExtendableEvent', WorkerEvent);
	vi.stubGlobal('FetchEvent', WorkerEvent);
	vi.stubGlobal('Request', Relative);
	vi.stubGlobal('addEventListener', (type: string, listener: Listener) => {
		listeners.set(type, [...(listeners.get(type) ?? []), listener]);
	});
	vi.stubGlobal('caches', {
		open: async (name: string) => cacheOf(name),
		match: (of: string | Request, { cacheName }: { cacheName: string }) => cacheOf(cacheName).match(of),
		keys: async () => [...stored.keys()],
		delete: async (name: string) => stored.delete(name),
	});
	vi.spyOn(Response, 'redirect').mockImplementation(
		(to, status = 302) => new Response(null, { status, headers: { Location: new URL(to, ORIGIN).href } }),
	);
	network(({ url }) => new Response(`host: ${new URL(url).pathname}`));
	return () => vi.unstubAllGlobals();
});

/** Dispatches an event that may be extended, and waits for its end. */
async function dispatch(type: 'install' | 'activate'): Promise<void> {
	const event = new WorkerEvent(type);
	for (const listener of listeners.get(type) ?? []) listener(event);
	await Promise.all(event.work);
}

/** A worker that is installed and active. */
async function running(...files: string[]): Promise<void> {
	await load(['index.html', 'assets/base-12345678.js', ...files].map((url) => ({ url, revision: 'r1' })));
	await dispatch('install');
	await dispatch('activate');
	sent.length = 0;
}

/** @returns what the worker answers; undefined where it leaves the request to the browser */
async function ask(
	path: string,
	{ mode = 'cors', method = 'GET' }: { mode?: string; method?: string } = {},
): Promise<Response | undefined> {
	const request = new Request(new URL(path, ORIGIN), { method });
	Object.defineProperty(request, 'mode', { value: mode });
	const event = new WorkerEvent('fetch', request);
	const [listener, ...more] = listeners.get('fetch') ?? [];
	expect(more).toEqual([]);
	listener?.(event);
	return event.answer;
}
const go = (path: string) => ask(path, { mode: 'navigate' });
const textOf = async (answer: Promise<Response | undefined>) => (await answer)?.text();
const locationOf = async (answer: Promise<Response | undefined>) => {
	const { status, headers } = (await answer) as Response;
	return `${status} ${headers.get('Location')}`;
};

test('what the build lists is fetched once, before the version counts as installed, and answered without the host', async () => {
	await load([
		{ url: 'index.html', revision: 'r1' },
		{ url: 'assets/base-12345678.js', revision: null },
	]);
	await dispatch('install');
	expect(sent.map(({ url }) => new URL(url).pathname)).toEqual(['/index.html', '/assets/base-12345678.js']);
	setOnline(false);
	expect(await textOf(ask('/assets/base-12345678.js'))).toBe('host: /assets/base-12345678.js');
	expect(await textOf(go('/'))).toBe('host: /index.html');
});

test('a version is not installed as long as one of its files is missing', async () => {
	network(({ url }) => new Response('', { status: url.includes('base') ? 503 : 200 }));
	await expect(running()).rejects.toThrow('503');
});

test('a new version drops files that it does not list, and caches of an older format', async () => {
	await running('assets/old-12345678.js');
	stored.set(`workbox-precache-${ORIGIN}/`, new Map());
	stored.set('of somebody else', new Map());
	listeners.clear();
	await running();
	const names = [...stored.keys()];
	expect(names).toEqual([`workbox-precache-v2-${ORIGIN}/`, 'of somebody else']);
	const files = [...(stored.get(names[0] ?? '') ?? new Map()).keys()].map((url) => new URL(url).pathname);
	expect(files).toEqual(['/index.html', '/assets/base-12345678.js']);
});

test.each([
	'/',
	'/?utm_source=news.letter&fbclid=1',
	'/index',
	'/index.html',
	'/connections',
	'/connections?added=1',
	'/connect/AAAAAAAAAAAAAAAAAAAAAA/select',
	'/no/such/screen',
])('a navigation to %s shows the app without the host', async (path) => {
	await running();
	setOnline(false);
	expect(await textOf(go(path))).toBe('host: /index.html');
});

test.each(['/api/directory', '/.well-known/security.txt', '/callback.js', '/icons/icon-512.png', '/x?file=a.pdf'])(
	'a navigation to %s is left to the host',
	async (path) => {
		await running();
		expect(await go(path)).toBeUndefined();
	},
);

test.each([
	['a file that is listed, as a folder or with what a link added', '/?utm_source=x', 'host: /index.html'],
	['another query is another file', '/assets/base-12345678.js?v=2', undefined],
	['a screen is no file', '/connections', undefined],
	['a file of another origin', 'https://elsewhere.test/index.html', undefined],
])('for page script, %s: %s', async (_, path, text) => {
	await running();
	expect(await textOf(ask(path))).toBe(text);
});

test('what is sent to the host is left to it, by whatever address', async () => {
	await running();
	for (const path of ['/', '/connect/callback?code=c', '/api/assertions'])
		expect(await ask(path, { mode: 'navigate', method: 'POST' })).toBeUndefined();
});

test('a provider’s answer leads to a screen, and its code never to the host, a page or the next address', async () => {
	await running('connect/callback');
	expect(await locationOf(go('/connect/callback?code=very-secret&state=unknown'))).toBe(`303 ${ORIGIN}/connections`);
	expect(sent).toEqual([]);
	const { currentNotice } = await import('../../sw/wallet/notices.js');
	expect(await currentNotice()).toMatchObject({ kind: 'error', error: { code: 'state_unknown' } });
});

test('a sign-in that had to wait for too long is told, and its code does not stay in the address', async () => {
	await running();
	const late = AbortSignal.abort(new DOMException('', 'TimeoutError'));
	vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late);
	expect(await locationOf(go('/connect/callback?code=very-secret&state=s'))).toBe(`303 ${ORIGIN}/connections`);
	const { currentNotice } = await import('../../sw/wallet/notices.js');
	expect(await currentNotice()).toMatchObject({ kind: 'error', error: { code: 'timeout' }, providerName: null });
});

test('a backup is handed to a navigation alone, once', async () => {
	await running();
	const { addConnection } = await import('../../sw/wallet/connections.js');
	const { createBackup } = await import('../../sw/wallet/backup.js');
	const { backupPath } = await import('../../sw/contract.js');
	await addConnection(connection({}));
	const kdf: Kdf = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA' };
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	const { id } = await createBackup({ key, kdf });
	for (const mode of ['cors', 'no-cors', 'same-origin']) expect(await ask(backupPath(id), { mode })).toBeUndefined();
	const file = await go(backupPath(id));
	expect(file?.headers.get('Content-Type')).toBe('application/jose');
	expect(await locationOf(go(backupPath(id)))).toBe(`303 ${ORIGIN}/settings`);
});

test('records are handed to a navigation alone; where there are none it leads back', async () => {
	await running();
	const { downloadPath } = await import('../../sw/contract.js');
	expect(await ask(downloadPath('no-such-job'))).toBeUndefined();
	expect(await locationOf(go(downloadPath('no-such-job')))).toBe(`303 ${ORIGIN}/collect`);
});
