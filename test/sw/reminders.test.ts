import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attention, type ConnectionView } from '../../sw/contract.js';
import type { Connection } from '../../sw/wallet/connections.js';
import { kill, network, rowsOnDisk, setOnline, textIn } from './setup.js';
import { connection } from './wallet/support.js';

const DAY = 24 * 3_600_000;
const NOW = Date.now();

/** What the system shows, and what it was asked. */
let shown: { title: string; options: NotificationOptions }[];
let closed: string[];
let unregistered: string[];
let badges: (number | null)[];

beforeEach(() => {
	shown = [];
	closed = [];
	unregistered = [];
	badges = [];
	Object.assign(self, {
		registration: {
			showNotification: async (title: string, options: NotificationOptions) => void shown.push({ title, options }),
			getNotifications: async () => shown.map(({ title }) => ({ close: () => closed.push(title) })),
			periodicSync: { unregister: async (tag: string) => void unregistered.push(tag) },
		},
	});
	Object.assign(navigator, {
		setAppBadge: async (count: number) => void badges.push(count),
		clearAppBadge: async () => void badges.push(null),
	});
});

afterEach(() => {
	for (const name of ['registration', 'clients']) Reflect.deleteProperty(self, name);
	for (const name of ['setAppBadge', 'clearAppBadge']) Reflect.deleteProperty(navigator, name);
});

async function load() {
	return {
		...(await import('../../sw/reminders.js')),
		...(await import('../../sw/periodic.js')),
		...(await import('../../sw/overview.js')),
		...(await import('../../sw/leave.js')),
		...(await import('../../sw/wallet/connections.js')),
	};
}

const notify = { title: 'Look', body: 'Something ended' };
/** Nothing is due, so that nothing is refreshed. */
const fresh = (change: Partial<Connection>): Connection =>
	connection({
		accessExpiresAt: Date.now() + 3_600_000,
		lastRefreshedAt: Date.now(),
		patient: { name: 'Camila' },
		...change,
	});
const until = (at: number, renews = false) => ({ kind: 'at', at, renews }) as const;

test.each<[string, Partial<ConnectionView>, 'expired' | 'ends' | null]>([
	['has expired', { status: 'expired', expiry: { kind: 'unknown' } }, 'expired'],
	['ends in six days', { expiry: until(NOW + 6 * DAY) }, 'ends'],
	['was due to end', { expiry: until(NOW - DAY) }, 'ends'],
	['ends in eight days', { expiry: until(NOW + 8 * DAY) }, null],
	['moves its end with each refresh', { expiry: until(NOW + 6 * DAY, true) }, null],
	['would move its end, on the last day', { expiry: until(NOW + DAY / 2, true) }, 'ends'],
	['has no end', { expiry: { kind: 'none' } }, null],
	['does not tell its end', { expiry: { kind: 'unknown' } }, null],
])('a connection that %s: attention as specified', async (_, change, wanted) => {
	const { viewConnection } = await load();
	const view = { ...viewConnection(fresh({}), NOW, false), ...change };
	expect(attention(view, NOW)).toBe(wanted);
});

test('the badge counts what needs attention, and goes when nothing does or nothing is left', async () => {
	const { addConnection, updateConnection, announce, overview, clearEverything } = await load();
	network(() => new Response());
	await addConnection(fresh({ id: 'a', status: 'expired' }));
	await addConnection(fresh({ id: 'b', expiry: until(Date.now() + DAY) }));
	await addConnection(fresh({ id: 'c' }));
	await announce();
	expect(badges).toEqual([2]);
	await updateConnection('a', { status: 'active' });
	// A page that opens is enough: an end comes near without any change.
	await overview();
	expect(badges).toEqual([2, 1]);
	await clearEverything();
	await announce();
	expect(badges.at(-1)).toBeNull();
});

test('a browser without a badge, or one that refuses it, is no error', async () => {
	const { badge } = await load();
	const refused = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
	Object.assign(navigator, { setAppBadge: refused, clearAppBadge: refused });
	await expect(badge([])).resolves.toBeUndefined();
	Object.assign(navigator, { setAppBadge: undefined, clearAppBadge: undefined });
	await expect(badge([])).resolves.toBeUndefined();
});

test('without the person’s wish nothing is ever shown', async () => {
	const { addConnection, remind, getReminders } = await load();
	await addConnection(fresh({ status: 'expired' }));
	await remind();
	expect(shown).toEqual([]);
	expect(await getReminders()).toEqual({ notify: false });
});

test('a notification comes once for each news, in the words that the page gave, also across a worker’s death', async () => {
	const first = await load();
	await first.addConnection(fresh({ id: 'a' }));
	await first.addConnection(fresh({ id: 'b' }));
	await first.setReminders({ notify });
	expect(await first.getReminders()).toEqual({ notify: true });
	await first.remind();
	expect(shown).toEqual([]);
	await first.updateConnection('a', { expiry: until(Date.now() + 2 * DAY) });
	await first.remind();
	expect(shown).toMatchObject([{ title: 'Look', options: { body: 'Something ended' } }]);
	kill();
	const second = await load();
	await second.remind();
	expect(shown).toHaveLength(1);
	// That it ended is news again, and so is another connection.
	await second.updateConnection('a', { status: 'expired' });
	await second.remind();
	await second.updateConnection('b', { status: 'expired' });
	await second.remind();
	expect(shown).toHaveLength(3);
});

test('what was repaired and ends anew is told anew', async () => {
	const { addConnection, updateConnection, setReminders, remind } = await load();
	await addConnection(fresh({}));
	await setReminders({ notify });
	for (const status of ['expired', 'active', 'expired'] as const) {
		await updateConnection('c1', { status });
		await remind();
	}
	expect(shown).toHaveLength(2);
});

test('what needed attention when the person asked for notifications is on the screen, and not told', async () => {
	const { addConnection, setReminders, remind } = await load();
	await addConnection(fresh({ status: 'expired' }));
	await setReminders({ notify });
	await remind();
	expect(shown).toEqual([]);
});

test('two workers that are woken at once show one notification', async () => {
	const one = await load();
	await one.addConnection(fresh({}));
	await one.setReminders({ notify });
	await one.updateConnection('c1', { status: 'expired' });
	vi.resetModules();
	const two = await load();
	await Promise.all([one.remind(), two.remind()]);
	expect(shown).toHaveLength(1);
});

test('turned off, the browser is asked to wake nobody any more and nothing is shown', async () => {
	const { addConnection, updateConnection, setReminders, remind, getReminders } = await load();
	await addConnection(fresh({}));
	await setReminders({ notify });
	await setReminders({ notify: null });
	expect(unregistered).toEqual(['tend']);
	await updateConnection('c1', { status: 'expired' });
	await remind();
	expect(shown).toEqual([]);
	expect(await getReminders()).toEqual({ notify: false });
});

test('a periodic sync refreshes what is due, renews the badge and then tells what came of it', async () => {
	const { addConnection, setReminders, tendAndRemind, getConnection } = await load();
	await addConnection(connection({ patient: { name: 'Camila' } }));
	await setReminders({ notify });
	network(() => Response.json({ error: 'invalid_grant' }, { status: 400 }));
	await tendAndRemind();
	expect((await getConnection('c1'))?.status).toBe('expired');
	expect(badges.at(-1)).toBe(1);
	expect(shown).toHaveLength(1);
});

test('a periodic sync without a network tells nothing and does not fail', async () => {
	const { addConnection, setReminders, tendAndRemind } = await load();
	await addConnection(connection({ patient: { name: 'Camila' } }));
	await setReminders({ notify });
	setOnline(false);
	await expect(tendAndRemind()).resolves.toBeUndefined();
	expect(shown).toEqual([]);
});

test('forgetting takes back the badge, the periodic sync and what is still shown, and never fails', async () => {
	const { forgetReminders, setReminders, addConnection, updateConnection, remind } = await load();
	await addConnection(fresh({}));
	await setReminders({ notify });
	await updateConnection('c1', { status: 'expired' });
	await remind();
	await forgetReminders();
	expect(closed).toEqual(['Look']);
	expect(unregistered).toEqual(['tend']);
	expect(badges.at(-1)).toBeNull();
	Reflect.deleteProperty(self, 'registration');
	await expect(forgetReminders()).resolves.toBeUndefined();
});

test('a notification leads to a page that shows the connections, and never takes another page there', async () => {
	const { followNotification } = await load();
	const done: string[] = [];
	const page = (path: string) => ({ url: `http://localhost:8787${path}`, focus: async () => void done.push(path) });
	const pages = [page('/connect/abc'), page('/connections')];
	Object.assign(self, {
		clients: { matchAll: async () => pages, openWindow: async (path: string) => void done.push(`new ${path}`) },
	});
	const notification = { close: () => done.push('closed') } as unknown as Notification;
	await followNotification(notification);
	pages.pop();
	await followNotification(notification);
	expect(done).toEqual(['closed', '/connections', 'closed', 'new /connections']);
});

test('the words of the notification and what was told lie sealed', async () => {
	const { addConnection, setReminders } = await load();
	await addConnection(fresh({ id: 'c-secret', status: 'expired' }));
	await setReminders({ notify: { title: 'Title-in-words', body: 'Body' } });
	const rows = (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'reminders');
	expect(rows).toHaveLength(1);
	expect(textIn(rows)).not.toMatch(/Title-in-words|c-secret|expired/);
});
