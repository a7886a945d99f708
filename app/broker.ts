/// <reference path="./workbox.d.ts" />
/**
 * The page's end of the border and the sole user of `navigator.serviceWorker`: registration, commands, events, jobs that
 * are kept going, and the hand-over to a new version.
 */
import type { TrustedScriptURL, TrustedTypesWindow } from 'trusted-types/lib';
import { Workbox } from 'workbox-window/build/workbox-window.prod.mjs';
import {
	CONTRACT_VERSION,
	type CommandName,
	EVENTS_CHANNEL,
	type JobView,
	type Overview,
	type Payload,
	type Reply,
	type WireError,
	type WorkerEvent,
} from '../sw/contract.js';
import type { Keeper } from './keeper.js';
import { createRpc, localError, wireError } from './rpc.js';

const WORKER = '/sw.js';

/** Undefined where the browser has none, or has it switched off. */
const container: ServiceWorkerContainer | undefined = navigator.serviceWorker;

/** The only script URL that this page can hand to the browser (the policy's name is in the page's CSP). */
function workerUrl(): string | TrustedScriptURL {
	const types = (window as unknown as Partial<TrustedTypesWindow>).trustedTypes;
	if (!types) return WORKER;
	const policy = types.createPolicy('satchel', {
		createScriptURL(url) {
			if (url !== WORKER) throw new TypeError('not a script of this app');
			return url;
		},
	});
	return policy.createScriptURL(WORKER);
}

/** When to ask again a worker that thinks itself offline, in milliseconds. */
const OFFLINE_PAUSE = 2_000;

let registered: Promise<unknown> = Promise.reject(localError('worker_missing'));
registered.catch(() => undefined);
let workbox: Workbox | undefined;

/** Registers the worker. `onWaiting`: a new version is installed and waits to be let in. */
export function register(onWaiting: () => void): void {
	if (!container) return;
	container.addEventListener('message', (event) => rpc.receive(event.data));
	container.startMessages();
	const wb = new Workbox(workerUrl(), { scope: '/', updateViaCache: 'none' });
	workbox = wb;
	wb.addEventListener('waiting', onWaiting);
	registered = wb.register({ immediate: true });
	// Each call reports the failure; here it only must not count as unhandled.
	registered.catch(() => undefined);
}

/** How long pages keep still for a new version, in milliseconds: more than a slice of a job takes with its last requests. */
const STILL_MS = 60_000;

/**
 * What pages ask for by themselves and at once again, with work that goes on for long. The browser lets a new version in when
 * the old one has no event under way, or else after five minutes (https://w3c.github.io/ServiceWorker/#try-activate-algorithm).
 * Not `wallet.save`: it is short, and what it keeps alive is nowhere else.
 */
const YIELDING: ReadonlySet<CommandName> = new Set<CommandName>(['job.run', 'connections.tend']);

/** Settles when the new version is in control, or does not come; undefined while none is on its way. */
let handOver: Promise<void> | undefined;
function keepStill(): void {
	handOver ??= new Promise<void>((resolve) => {
		container?.addEventListener('controllerchange', () => resolve(), { once: true });
		setTimeout(resolve, STILL_MS);
	}).then(() => {
		handOver = undefined;
	});
}

/**
 * Lets the waiting version in and reloads once it is in control. Not while tokens live in the memory of the old version
 * alone (`Overview.unsaved`): they would die with it.
 */
export async function takeUpdate(): Promise<void> {
	// Another tab has let it in.
	if (!(await registration())?.waiting) return location.reload();
	// A version that does not answer is no reason to keep it.
	const saved = await call('wallet.save', {}).catch(() => undefined);
	if (saved?.unsaved) return;
	keepStill();
	const channel = new BroadcastChannel(EVENTS_CHANNEL);
	channel.postMessage({ satchel: CONTRACT_VERSION, event: 'handover' } satisfies WorkerEvent);
	channel.close();
	let reloaded = false;
	const reload = () => {
		if (reloaded) return;
		reloaded = true;
		location.reload();
	};
	container?.addEventListener('controllerchange', reload);
	workbox?.addEventListener('controlling', reload);
	workbox?.messageSkipWaiting();
}

/** Works in a page that the worker does not control yet: `ready` waits for an active one. */
const rpc = createRpc(async (message) => {
	try {
		// A worker that is active already serves, whatever became of looking for a newer one (offline).
		if (!(await container?.getRegistration('/'))?.active) await registered;
	} catch (error) {
		throw localError('worker_missing', error);
	}
	if (!container) throw localError('worker_missing');
	(await container.ready).active?.postMessage(message);
});

/** Opens the wallet for a worker that started anew without its key; there once this page holds one (`passkey.ts`). */
let reopen: (() => Promise<boolean>) | undefined;
export function onLocked(open: typeof reopen): void {
	reopen = open;
}

/** Asks the worker. @throws {BrokerError} */
export async function call<C extends CommandName>(command: C, payload: Payload<C>): Promise<Reply<C>> {
	if (YIELDING.has(command)) await handOver;
	try {
		return await rpc.call(command, payload);
	} catch (error) {
		if (wireError(error).code !== 'locked' || command === 'lock.unlock' || !(await reopen?.())) throw error;
		return rpc.call(command, payload);
	}
}

/** The worker's registration, for what a page asks the browser itself; undefined where there is none. */
export async function registration(): Promise<ServiceWorkerRegistration | undefined> {
	return container?.getRegistration('/');
}

export interface Listener {
	overview(overview: Overview): void;
	job(job: JobView): void;
	/** The overview could not be had. */
	error(error: WireError): void;
}

/**
 * Tells `listener` everything new, first the state now. Asks anew when the page is looked at again, the network comes or
 * goes, or another worker takes over: a broadcast reaches no page that is frozen.
 * @returns a function that ends it.
 */
export function subscribe(listener: Listener): () => void {
	const channel = new BroadcastChannel(EVENTS_CHANNEL);
	const ended = new AbortController();
	const { signal } = ended;
	let revision = Number.NEGATIVE_INFINITY;

	const take = async (overview: Overview) => {
		if (overview.revision < revision) return;
		revision = overview.revision;
		// The worker may learn later than the page that the network is back, and no event says when.
		clearTimeout(again);
		if (!overview.online && navigator.onLine) again = setTimeout(pull, OFFLINE_PAUSE);
		// Opened again: the worker tells everybody how things stand then.
		if (overview.lock === 'locked' && (await reopen?.())) return;
		if (overview.revision === revision) listener.overview(overview);
	};
	let again: ReturnType<typeof setTimeout> | undefined;
	const pull = () => {
		clearTimeout(again);
		call('overview', {}).then(
			(overview) => void (signal.aborted || take(overview)),
			(error) => signal.aborted || listener.error(wireError(error)),
		);
	};

	channel.addEventListener(
		'message',
		({ data }: MessageEvent<WorkerEvent>) => {
			if (data?.satchel !== CONTRACT_VERSION) return;
			if (data.event === 'overview') take(data.overview);
			else if (data.event === 'job') listener.job(data.job);
			else if (data.event === 'handover') keepStill();
		},
		{ signal },
	);
	document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && pull(), { signal });
	for (const name of ['online', 'offline']) window.addEventListener(name, pull, { signal });
	window.addEventListener('pageshow', ({ persisted }) => persisted && pull(), { signal });
	container?.addEventListener('controllerchange', pull, { signal });
	pull();

	return () => {
		clearTimeout(again);
		ended.abort();
		channel.close();
	};
}

/**
 * Keeps these jobs going for as long as this page lives; see `createKeeper`, which loads with the first of them.
 * @returns a function to call with the jobs whenever they changed.
 */
export function keepAlive(publish: (job: JobView) => void): (jobs: JobView[]) => void {
	let loading: Promise<Keeper> | undefined;
	const load = async () => {
		const { createKeeper } = await import('./keeper.js');
		const keeper = createKeeper((id) => call('job.run', { id }), publish);
		window.addEventListener('online', keeper.wake);
		document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && keeper.wake());
		return keeper;
	};
	return (jobs) => {
		if (!jobs.some(({ status }) => status === 'running' || status === 'waiting')) return;
		loading ??= load();
		loading.then(
			(keeper) => keeper.keep(jobs),
			() => {
				// Offline before the worker had everything in store: the next news of a job tries again.
				loading = undefined;
			},
		);
	};
}
