import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	CONTRACT_VERSION,
	type CommandMessage,
	EVENTS_CHANNEL,
	type JobView,
	type Overview,
	type WireError,
} from '../../sw/contract.js';
import { makeJob } from './jobs.js';

const workbox = vi.hoisted(() => ({ register: vi.fn(), messageSkipWaiting: vi.fn(), options: [] as unknown[] }));
vi.mock('workbox-window/build/workbox-window.prod.mjs', () => ({
	Workbox: class extends EventTarget {
		register = workbox.register;
		messageSkipWaiting = workbox.messageSkipWaiting;
		constructor(...options: unknown[]) {
			super();
			workbox.options = options;
		}
	},
}));

const overviewOf = (revision: number): Overview => ({
	revision,
	connections: [],
	jobs: [],
	notice: null,
	online: true,
	lock: 'off',
	unsaved: false,
	paused: null,
	otherPatient: null,
});

/** A browser with a worker that answers `overview` with these revisions, one a call, then not at all. */
async function setUp({ revisions = [] as number[], withWorker = true } = {}) {
	const posted: CommandMessage[] = [];
	const active = {
		postMessage(message: CommandMessage) {
			posted.push(message);
			const revision = revisions.shift();
			if (revision === undefined) return;
			const data = { satchel: CONTRACT_VERSION, id: message.id, ok: true, reply: overviewOf(revision) };
			queueMicrotask(() => container.dispatchEvent(Object.assign(new Event('message'), { data })));
		},
	};
	const container = Object.assign(new EventTarget(), {
		startMessages() {},
		getRegistration: async () => ({ active }),
		ready: Promise.resolve({ active }),
	});
	const page = Object.assign(new EventTarget(), {});
	const shown = Object.assign(new EventTarget(), { visibilityState: 'visible' });
	const reload = vi.fn();
	vi.stubGlobal('navigator', withWorker ? { serviceWorker: container } : {});
	vi.stubGlobal('window', page);
	vi.stubGlobal('document', shown);
	vi.stubGlobal('location', { reload });
	vi.resetModules();
	const broker = await import('../../app/broker.js');

	const seen = { overviews: [] as number[], jobs: [] as JobView[], errors: [] as WireError[] };
	const listener = {
		overview: ({ revision }: Overview) => void seen.overviews.push(revision),
		job: (job: JobView) => void seen.jobs.push(job),
		error: (error: WireError) => void seen.errors.push(error),
	};
	return { broker, container, page, shown, posted, seen, listener, reload };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

let channel: BroadcastChannel;
let end: (() => void) | undefined;
beforeEach(() => {
	workbox.register.mockReset().mockResolvedValue(undefined);
	workbox.messageSkipWaiting.mockReset();
	channel = new BroadcastChannel(EVENTS_CHANNEL);
});
afterEach(() => {
	end?.();
	end = undefined;
	channel.close();
	vi.unstubAllGlobals();
});

describe('the broker', () => {
	it('registers the worker for the whole origin and never from the HTTP cache', async () => {
		const { broker } = await setUp();
		broker.register(() => undefined);
		expect(workbox.options).toEqual(['/sw.js', { scope: '/', updateViaCache: 'none' }]);
		expect(workbox.register).toHaveBeenCalledOnce();
	});

	it('posts commands to the active worker, also in a page that it does not control', async () => {
		const { broker, posted } = await setUp({ revisions: [1] });
		broker.register(() => undefined);
		await expect(broker.call('overview', {})).resolves.toMatchObject({ revision: 1 });
		expect(posted).toMatchObject([{ satchel: CONTRACT_VERSION, command: 'overview', payload: {} }]);
	});

	it('a browser without service workers is worker_missing', async () => {
		const { broker } = await setUp({ withWorker: false });
		broker.register(() => undefined);
		await expect(broker.call('overview', {})).rejects.toMatchObject({ code: 'worker_missing' });
	});

	it('a first registration that fails is worker_missing', async () => {
		const { broker, container } = await setUp();
		container.getRegistration = async () => ({ active: undefined as never });
		workbox.register.mockRejectedValue(new TypeError('404'));
		broker.register(() => undefined);
		await expect(broker.call('overview', {})).rejects.toMatchObject({ code: 'worker_missing' });
	});

	it('a failed look for an update does not matter while a worker is active', async () => {
		const { broker } = await setUp({ revisions: [1] });
		workbox.register.mockRejectedValue(new TypeError('offline'));
		broker.register(() => undefined);
		await expect(broker.call('overview', {})).resolves.toMatchObject({ revision: 1 });
	});

	it('an overview older than the newest seen is ignored, wherever it comes from', async () => {
		const { broker, seen, listener } = await setUp({ revisions: [5] });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await settled();
		for (const revision of [4, 7, 6]) {
			channel.postMessage({ satchel: CONTRACT_VERSION, event: 'overview', overview: overviewOf(revision) });
		}
		await settled();
		expect(seen.overviews).toEqual([5, 7]);
	});

	it('events of another version are ignored, and jobs are passed on', async () => {
		const { broker, seen, listener } = await setUp({ revisions: [1] });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await settled();
		channel.postMessage({ satchel: CONTRACT_VERSION + 1, event: 'overview', overview: overviewOf(9) });
		channel.postMessage({ satchel: CONTRACT_VERSION, event: 'job', job: makeJob() });
		await settled();
		expect(seen.overviews).toEqual([1]);
		expect(seen.jobs.map(({ id }) => id)).toEqual(['j1']);
	});

	it('asks anew when looked at again, when the network changes and when another worker takes over', async () => {
		const { broker, page, shown, container, seen, listener } = await setUp({ revisions: [1, 2, 3, 4, 5, 6] });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await settled();
		for (const name of ['online', 'offline', 'pageshow']) page.dispatchEvent(new Event(name));
		shown.dispatchEvent(new Event('visibilitychange'));
		container.dispatchEvent(new Event('controllerchange'));
		await settled();
		expect(seen.overviews).toEqual([1, 2, 3, 4, 5, 6]);
	});

	it('a page that is hidden does not ask', async () => {
		const { broker, shown, posted, listener } = await setUp({ revisions: [1, 2] });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await settled();
		shown.visibilityState = 'hidden';
		shown.dispatchEvent(new Event('visibilitychange'));
		await settled();
		expect(posted).toHaveLength(1);
	});

	it('an update is let in when asked for, and the page reloads once', async () => {
		const { broker, container, reload } = await setUp();
		broker.register(() => undefined);
		container.dispatchEvent(new Event('controllerchange'));
		expect(reload).not.toHaveBeenCalled();
		broker.takeUpdate();
		expect(workbox.messageSkipWaiting).toHaveBeenCalledOnce();
		container.dispatchEvent(new Event('controllerchange'));
		container.dispatchEvent(new Event('controllerchange'));
		expect(reload).toHaveBeenCalledOnce();
	});
});
