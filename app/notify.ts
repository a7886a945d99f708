/**
 * Local notifications from the page's side: what stands in their way here, and turning them on and off. The worker shows
 * them (`sw/reminders.ts`); the browser wakes it by periodic sync (https://wicg.github.io/periodic-background-sync/).
 */
import { PERIODIC_SYNC } from '../sw/contract.js';
import { call, registration } from './broker.js';
import { isIos } from './install.js';
import { type Abilities, type Obstacle, obstacle } from './obstacle.js';
import { notification } from './words/reminders.js';

interface PeriodicSyncManager {
	register(tag: string, options: { minInterval: number }): Promise<void>;
	unregister(tag: string): Promise<void>;
	getTags(): Promise<string[]>;
}

/** The shortest that Chromium grants, in milliseconds. */
const INTERVAL = 12 * 60 * 60_000;

async function manager(): Promise<PeriodicSyncManager | undefined> {
	return ((await registration()) as { periodicSync?: PeriodicSyncManager } | undefined)?.periodicSync;
}

async function abilities(): Promise<Abilities> {
	const notifications = 'Notification' in window;
	return {
		notifications,
		periodicSync: (await manager()) !== undefined,
		ios: isIos(navigator),
		permission: notifications ? Notification.permission : 'denied',
		background: await backgroundState(),
	};
}

async function backgroundState(): Promise<PermissionState> {
	try {
		const name = 'periodic-background-sync' as PermissionName;
		return (await navigator.permissions.query({ name })).state;
	} catch {
		// A browser that does not know the name has no periodic sync either.
		return 'denied';
	}
}

export interface NotifyState {
	/** Whether the person wants notifications. */
	wanted: boolean;
	/** Whether the browser still wakes the worker. */
	woken: boolean;
	obstacle: Obstacle | null;
}

/** @throws {BrokerError} what the worker answers */
export async function readNotify(): Promise<NotifyState> {
	const [{ notify }, able, tags] = await Promise.all([
		call('reminders.get', {}),
		abilities(),
		manager()
			.then((sync) => sync?.getTags())
			.catch((): string[] => []),
	]);
	return { wanted: notify, woken: tags?.includes(PERIODIC_SYNC) ?? false, obstacle: obstacle(able) };
}

/**
 * Asks for the permission, which browsers allow only while a click is handled, then for being woken.
 * @throws {BrokerError} what the worker answers
 */
export async function turnOn(): Promise<NotifyState> {
	if ((await Notification.requestPermission()) === 'granted') {
		if (await beWoken()) await call('reminders.set', { notify: notification });
	}
	return readNotify();
}

/** The worker takes everything back, the periodic sync included. @throws {BrokerError} what the worker answers */
export async function turnOff(): Promise<NotifyState> {
	await call('reminders.set', { notify: null });
	const { schedule } = await call('collecting.get', {});
	if (schedule !== 'off') await beWoken();
	return readNotify();
}

/** Whether the browser will wake the worker now and then; it refuses where the app is not installed, or rarely used. */
async function beWoken(): Promise<boolean> {
	try {
		const sync = await manager();
		await sync?.register(PERIODIC_SYNC, { minInterval: INTERVAL });
		return sync !== undefined;
	} catch {
		return false;
	}
}

/**
 * Has the browser wake the worker for copies that are due, or no longer; notifications go on needing it.
 * @returns whether it does
 * @throws {BrokerError} what the worker answers
 */
export async function wakeForCopies(on: boolean): Promise<boolean> {
	if (on) return beWoken();
	const { notify } = await call('reminders.get', {});
	if (!notify)
		await manager()
			.then((sync) => sync?.unregister(PERIODIC_SYNC))
			.catch(() => undefined);
	return false;
}
