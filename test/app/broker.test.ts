import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	CONTRACT_VERSION,
	type CommandMessage,
	EVENTS_CHANNEL,
	type JobView,
	type Overview,
	type Reply,
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
async function setUp({
	revisions = [] as number[],
	withWorker = true,
	saves = undefined as Reply<'wallet.save'> | undefined,
	waiting = {} as object | null,
} = {}) {
	const posted: CommandMessage[] = [];
	const commands = () => posted.map(({ command }) => command);
	const nextOverview = () => {
		const revision = revisions.shift();
		return revision === undefined ? undefined : overviewOf(revision);
	};
	const active = {
		postMessage(message: CommandMessage) {
			posted.push(message);
			const reply = message.command === 'wallet.save' ? saves : nextOverview();
			if (!reply) return;
			const data = { satchel: CONTRACT_VERSION, id: message.id, ok: true, reply };
			queueMicrotask(() => container.dispatchEvent(Object.assign(new Event('message'), { data })));
		},
	};
	const container = Object.assign(new EventTarget(), {
		startMessages() {},
		getRegistration: async () => ({ active, waiting }),
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
	return { broker, container, page, shown, posted, commands, seen, listener, reload };
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
		container.getRegistration = async () => ({ active: undefined as never, waiting: null });
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

	it('asks again while the worker thinks itself offline and the page does not, until they agree', async () => {
		const { broker, commands, seen, listener } = await setUp({ revisions: [1, 7] });
		Object.assign(navigator, { onLine: true });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await vi.waitFor(() => expect(seen.overviews).toEqual([1]));
		const overview = { ...overviewOf(5), online: false };
		channel.postMessage({ satchel: CONTRACT_VERSION, event: 'overview', overview });
		await vi.waitFor(() => expect(seen.overviews).toEqual([1, 5, 7]), { timeout: 10_000 });
		expect(commands().filter((command) => command === 'overview')).toHaveLength(2);
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
		for (const name of ['online', 'offline']) page.dispatchEvent(new Event(name));
		// Of these, only the one that brings a frozen page back.
		for (const persisted of [false, true]) page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }));
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
		const { broker, container, reload } = await setUp({ saves: { unsaved: false } });
		broker.register(() => undefined);
		container.dispatchEvent(new Event('controllerchange'));
		expect(reload).not.toHaveBeenCalled();
		await broker.takeUpdate();
		expect(workbox.messageSkipWaiting).toHaveBeenCalledOnce();
		container.dispatchEvent(new Event('controllerchange'));
		container.dispatchEvent(new Event('controllerchange'));
		expect(reload).toHaveBeenCalledOnce();
	});

	it('a page whose update another tab has let in reloads at once', async () => {
		const { broker, posted, reload } = await setUp({ waiting: null });
		broker.register(() => undefined);
		await broker.takeUpdate();
		expect(reload).toHaveBeenCalledOnce();
		expect(posted).toEqual([]);
	});

	it('an update is not let in while tokens live in the memory of the old version alone', async () => {
		const { broker } = await setUp({ saves: { unsaved: true } });
		broker.register(() => undefined);
		await broker.takeUpdate();
		expect(workbox.messageSkipWaiting).not.toHaveBeenCalled();
	});

	it('the page that lets an update in tells the other tabs, and asks for nothing long until it is in control', async () => {
		const { broker, container, commands } = await setUp({ saves: { unsaved: false } });
		const heard: unknown[] = [];
		channel.addEventListener('message', ({ data }: MessageEvent) => heard.push(data));
		broker.register(() => undefined);
		await broker.takeUpdate();
		void broker.call('job.run', { id: 'j1' });
		void broker.call('connections.tend', {});
		void broker.call('overview', {});
		await settled();
		expect(heard).toEqual([{ satchel: CONTRACT_VERSION, event: 'handover' }]);
		expect(commands()).toEqual(['wallet.save', 'overview']);
		container.dispatchEvent(new Event('controllerchange'));
		await settled();
		expect(commands()).toEqual(['wallet.save', 'overview', 'job.run', 'connections.tend']);
	});

	it('a tab that hears of a hand-over asks for no further slice until it is over', async () => {
		const { broker, container, commands, listener } = await setUp({ revisions: [1] });
		broker.register(() => undefined);
		end = broker.subscribe(listener);
		await settled();
		channel.postMessage({ satchel: CONTRACT_VERSION, event: 'handover' });
		await settled();
		void broker.call('job.run', { id: 'j1' });
		void broker.call('wallet.save', {});
		await settled();
		// What keeps unsaved tokens alive goes on.
		expect(commands()).toEqual(['overview', 'wallet.save']);
		container.dispatchEvent(new Event('controllerchange'));
		await settled();
		expect(commands()).toContain('job.run');
	});

	it('a new version that does not come holds nothing up for good', async () => {
		vi.useFakeTimers();
		try {
			const { broker, commands } = await setUp({ saves: { unsaved: false } });
			broker.register(() => undefined);
			await broker.takeUpdate();
			broker.call('job.run', { id: 'j1' }).catch(() => undefined);
			await vi.advanceTimersByTimeAsync(55_000);
			expect(commands()).not.toContain('job.run');
			await vi.advanceTimersByTimeAsync(10_000);
			expect(commands()).toContain('job.run');
		} finally {
			vi.useRealTimers();
		}
	});
});
