/**
 * Reminders without a server: the app's badge, and a local notification by periodic sync where the platform has it. Of a
 * locked wallet nothing can be read: nobody is notified, and the badge stays as it was.
 */
import { type Attention, attention, type ConnectionView, type Payload, PERIODIC_SYNC, type Reply } from './contract.js';
import { listConnections, viewConnection } from './wallet/connections.js';
import type { RowKey } from './wallet/db.js';
import { read, upsert } from './wallet/rows.js';

/** https://wicg.github.io/periodic-background-sync/, https://w3c.github.io/badging/: not in the library of every engine. */
interface Platform {
	registration?: ServiceWorkerRegistration & { periodicSync?: { unregister(tag: string): Promise<void> } };
	navigator: { setAppBadge?(count: number): Promise<void>; clearAppBadge?(): Promise<void> };
	clients: {
		matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<Page[]>;
		openWindow(url: string): Promise<unknown>;
	};
}

interface Page {
	url: string;
	focus(): Promise<unknown>;
}

const platform = self as unknown as Platform;

interface Reminders {
	/** Null: none is wanted. */
	notify: { title: string; body: string } | null;
	/** What the person was told of each connection that needs attention, by its id. */
	told: Record<string, Attention>;
}

const ROW: RowKey = ['reminders'];
const NONE: Reminders = { notify: null, told: {} };

/** One notification at a time: a newer one takes the place of one that was not looked at. */
const NOTIFICATION_TAG = 'attention';
/** Where a notification leads. */
const SCREEN = '/connections';

function needing(connections: ConnectionView[], now: number): Record<string, Attention> {
	return Object.fromEntries(
		connections.flatMap((connection) => {
			const why = attention(connection, now);
			return why ? [[connection.id, why] as const] : [];
		}),
	);
}

async function currentNeeds(): Promise<Record<string, Attention>> {
	const now = Date.now();
	const connections = await listConnections();
	return needing(
		connections.map((connection) => viewConnection(connection, now, false)),
		now,
	);
}

/** Shows on the app's icon how many connections need attention. Never rejects: most browsers have no badge. */
export async function badge(connections: ConnectionView[]): Promise<void> {
	const { navigator } = platform;
	const count = Object.keys(needing(connections, Date.now())).length;
	try {
		if (count) await navigator.setAppBadge?.(count);
		else await navigator.clearAppBadge?.();
	} catch {
		// Not installed, or not allowed: then there is nothing to show it on.
	}
}

export async function getReminders(): Promise<Reply<'reminders.get'>> {
	return { notify: ((await read<Reminders>(ROW))?.value ?? NONE).notify !== null };
}

/** What needs attention at this moment is on the screen, and so is not told later. */
export async function setReminders({ notify }: Payload<'reminders.set'>): Promise<void> {
	if (!notify) await silence();
	const told = notify ? await currentNeeds() : {};
	await change(() => ({ notify, told }));
}

/**
 * Shows a notification if a connection needs attention of which the person was not told yet. It is noted first: rather no
 * notification than the same one twice.
 */
export async function remind(): Promise<void> {
	const now = await currentNeeds();
	let title = '';
	let body = '';
	await change(({ notify, told }) => {
		const news = Object.entries(now).some(([id, why]) => told[id] !== why);
		title = (news && notify?.title) || '';
		body = notify?.body ?? '';
		return notify && { notify, told: now };
	});
	if (title) {
		await registration()?.showNotification(title, { body, tag: NOTIFICATION_TAG, icon: '/icons/icon-192.png' });
	}
}

/** Follows a notification: to a page that shows the connections already, or a new one. Nobody is led away from a session. */
export async function followNotification(notification: Notification): Promise<void> {
	notification.close();
	const pages = await platform.clients.matchAll({ type: 'window', includeUncontrolled: true });
	const page = pages.find(({ url }) => new URL(url).pathname === SCREEN);
	if (page) await page.focus();
	else await platform.clients.openWindow(SCREEN);
}

/** Takes back whatever lies outside the wallet's own storage. For Clear All. Never rejects. */
export async function forgetReminders(): Promise<void> {
	await Promise.all([silence(), badge([])]);
}

async function silence(): Promise<void> {
	try {
		await registration()?.periodicSync?.unregister(PERIODIC_SYNC);
		const shown = await registration()?.getNotifications();
		for (const notification of shown ?? []) notification.close();
	} catch {
		// What cannot be taken back was never there.
	}
}

/** Changes the row; null leaves it as it is. */
async function change(make: (before: Reminders) => Reminders | null): Promise<void> {
	await upsert<Reminders>(ROW, (before = NONE) => {
		const value = make(before);
		return value && JSON.stringify(value) !== JSON.stringify(before) ? value : undefined;
	});
}

function registration(): Platform['registration'] {
	return platform.registration;
}
