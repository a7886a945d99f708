/** The one store: what the worker last said, and the little that the page itself knows. */
import { computed, signal } from '@preact/signals';
import type { JobView, Notice, Overview, Reply, WireError } from '../sw/contract.js';
import * as broker from './broker.js';
import { forgetInstall, watchInstall } from './install.js';
import { wireError } from './rpc.js';

export { call } from './broker.js';

/** Null until the worker has answered for the first time. */
export const overview = signal<Overview | null>(null);
/**
 * What came of the trip that led here. Only the page that the trip led to shows it, and the worker forgets it then: it is in
 * no other tab, and not on the next page.
 */
export const notice = signal<Notice | null>(null);
/** Why there is no overview. */
export const broken = signal<WireError | null>(null);
/** The last state of each job that this page has heard of. */
export const jobs = signal<Record<string, JobView>>({});
/** A new version waits to be let in. */
export const updateReady = signal(false);
/** The moment, for relative dates; moves every quarter of a minute while the page is visible. */
export const now = signal(Date.now());
const connected = signal(navigator.onLine);

export const online = computed(() => connected.value && overview.value?.online !== false);
/** Whether something may have to be said on whatever screen: tokens not stored, a backup made, somebody else signed in, work under way. */
export const standing = computed(() => {
	const { unsaved, paused, otherPatient, jobs } = overview.value ?? {};
	return !!(unsaved || paused || otherPatient || jobs?.some(({ kind }) => kind !== 'keep'));
});
export const connections = computed(() => overview.value?.connections ?? []);

/** A job that is over stays over unless it is seen to start anew: a late event cannot bring back its progress. */
export function takeJob(job: JobView): void {
	const known = jobs.peek()[job.id];
	if (known && (known.status === 'done' || known.status === 'cancelled') && known.status !== job.status) return;
	jobs.value = { ...jobs.peek(), [job.id]: job };
	keep([job]);
}

const keep = broker.keepAlive(takeJob);

/** Asks once that the browser does not clear this site's storage, as soon as there is something to lose. */
let asked = false;
function askToPersist(): void {
	if (asked) return;
	asked = true;
	navigator.storage?.persist?.().catch(() => undefined);
}

/** Starts everything. Called once, before the first paint. */
export function start(): void {
	broker.register(() => {
		updateReady.value = true;
	});
	broker.subscribe({
		overview(next) {
			// A locked wallet tells nothing yet: what came of a trip is told as it opens.
			if (!overview.peek() || overview.peek()?.lock === 'locked') takeNotice(next.notice);
			overview.value = next;
			broken.value = null;
			for (const job of next.jobs) takeJob(job);
			if (next.connections.length) askToPersist();
		},
		job: takeJob,
		error(error) {
			if (!overview.peek()) broken.value = error;
		},
	});
	for (const name of ['online', 'offline']) {
		window.addEventListener(name, () => {
			connected.value = navigator.onLine;
			if (navigator.onLine) tendSoon();
		});
	}
	const tick = () => {
		if (document.visibilityState === 'visible') now.value = Date.now();
	};
	setInterval(tick, 15_000);
	document.addEventListener('visibilitychange', () => {
		tick();
		if (document.visibilityState === 'visible') tendSoon();
	});
	window.addEventListener('pageshow', (event) => event.persisted && tendSoon());
	// What the worker could not write down lives only as long as the worker: the message keeps it alive and tries again.
	setInterval(() => overview.peek()?.unsaved && tell('wallet.save'), 10_000);
	// Copies on this device can become due while the app stays open.
	setInterval(tendSoon, 10 * 60_000);
	watchInstall();
	tendSoon();
}

/** Deletes everything here, with or without ending access. First what the page itself keeps: the tab may be closed before the answer. */
export function forgetAll<C extends 'connections.clear' | 'backup.forget'>(command: C): Promise<Reply<C>> {
	forgetInstall();
	return broker.call<C>(command, {});
}

function takeNotice(next: Notice | null): void {
	notice.value = next;
	if (next) broker.call('notice.dismiss', { id: next.id }).catch(() => undefined);
}

/**
 * Has the worker refresh whatever is due: when the app opens, is looked at again, or is back online. Never awaited, and late
 * enough that several reasons at once are one and that the first paint comes first.
 */
let tending: ReturnType<typeof setTimeout> | undefined;
function tendSoon(): void {
	clearTimeout(tending);
	tending = setTimeout(() => tell('connections.tend'), 250);
}

function tell(command: 'connections.tend' | 'wallet.save'): void {
	broker.call(command, {}).catch(() => undefined);
}

/** Calls and puts what goes wrong into `error`; answers undefined then. */
export async function attempt<T>(
	work: () => Promise<T>,
	onError: (error: WireError | null) => void,
): Promise<T | undefined> {
	onError(null);
	try {
		return await work();
	} catch (error) {
		onError(wireError(error));
		return undefined;
	}
}
