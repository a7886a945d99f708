/** Nothing that opens or is a record lies anywhere in plaintext: not in the browser, not on its disk, not at the relay. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { card, confirm, include, keepCopy, send } from './person.js';
import { everythingStored, filesBelow, found, remains, rowKinds } from './store.js';
import { type Agent, connect, expect, type Stack, test } from './support.js';

/** Listens inside the worker, before anybody connects, to what token endpoints answer. @returns all tokens so far, by name */
async function tokensOf(page: Page): Promise<() => Promise<Record<string, string>>> {
	const context = page.context();
	const [started] = context.serviceWorkers();
	const starting = started ?? context.waitForEvent('serviceworker');
	await page.goto('/connections');
	const worker = await starting;
	await worker.evaluate(() => {
		const scope = self as typeof self & { answers: string[] };
		scope.answers = [];
		const real = self.fetch;
		self.fetch = async (...request) => {
			const response = await real(...request);
			if (response.url.endsWith('/oauth/token') && response.ok) scope.answers.push(await response.clone().text());
			return response;
		};
	});
	return async () => {
		const answers = await worker.evaluate(() => (self as typeof self & { answers: string[] }).answers);
		return Object.fromEntries(
			answers.flatMap((answer, n) => {
				const tokens = JSON.parse(answer) as Record<string, string>;
				const names = ['access_token', 'refresh_token', 'id_token'].filter((name) => tokens[name]);
				return names.map((name) => [`${name} ${n}`, String(tokens[name])]);
			}),
		);
	};
}

/** What of somebody's record is searched for: the id, the name as in the record and on the card, and texts of it. */
function traces(stack: Stack, system: string, username: string, name: string): Record<string, string> {
	const all: Record<string, string> = { [`patient id ${username}`]: stack.sandbox.patientId(system, username) };
	all[`name ${username}`] = name;
	const texts = new Set<string>();
	for (const { type, id, text } of stack.sandbox.resources(system, username)) {
		if (['Observation', 'Condition', 'DocumentReference'].includes(type) && texts.size < 40) texts.add(`${type}/${id}`);
		if (type === 'Observation' && text.length > 300) all[`text of ${username}`] = text.slice(120, 200);
	}
	for (const text of texts) all[text] = text.split('/')[1] ?? '';
	return all;
}

/** Searches everywhere. `disk` is read while the browser runs and holds whatever it has written so far. */
async function leaks(page: Page, disk: string[], secrets: Record<string, string>): Promise<string[]> {
	const wrong = (await everythingStored(page)).flatMap((piece) => found(piece, secrets));
	for (const dir of disk) {
		for (const { name, octets } of await filesBelow(dir)) {
			wrong.push(...found(octets, secrets).map((secret) => `${secret} in ${name}`));
		}
	}
	return wrong;
}

/** Puts text where the wallet would put it, to show that the walk finds what is there. */
function plant(page: Page, text: string): Promise<void> {
	return page.evaluate(async (value) => {
		localStorage.setItem('control', value);
		await new Promise<void>((resolve, reject) => {
			const opening = indexedDB.open('control');
			opening.onupgradeneeded = () => opening.result.createObjectStore('rows');
			opening.onerror = () => reject(opening.error);
			opening.onsuccess = () => {
				const transaction = opening.result.transaction('rows', 'readwrite', { durability: 'strict' });
				transaction.objectStore('rows').put({ octets: new TextEncoder().encode(value) }, 'control');
				transaction.oncomplete = () => {
					opening.result.close();
					resolve();
				};
			};
		});
	}, text);
}

/** Puts something into each of the other places that the origin has, to show that the search looks there. */
function plantElsewhere(page: Page): Promise<void> {
	return page.evaluate(async () => {
		sessionStorage.setItem('control', 'x');
		// biome-ignore lint/suspicious/noDocumentCookie: the other way is asynchronous and newer
		document.cookie = 'control=x';
		await (await caches.open('control')).put('/index.html', new Response('not the app'));
		await (await navigator.storage.getDirectory()).getFileHandle('control', { create: true });
	});
}

/** A send that is under way and stays so: one source is parked at the relay, of the other one some is read. */
async function sendHalf(page: Page, stack: Stack, asking: Agent): Promise<void> {
	await page.goto((await asking.link()).url);
	await include(page, 'Harbor Medical Group').check();
	await include(page, 'Summit Regional').check();
	// One request without an answer: more of them would use up all the connections that a browser makes to one host.
	const match = { endpoint: 'fhir', type: 'Binary', times: 1 } as const;
	stack.sandbox.faults.add({ system: 'summit', match, action: { hang: true } });
	await send(page);
	await expect.poll(() => rowKinds(page), { timeout: 30_000 }).toEqual(expect.arrayContaining(['chunk', 'part']));
	await expect
		.poll(async () => (await filesBelow(stack.dataDir)).some(({ octets }) => octets.length > 50_000))
		.toBe(true);
}

test('tokens, patients and records are in plaintext nowhere: not in storage, on disk or at the relay', async ({
	profile,
	stack,
	agent,
}) => {
	const context = await profile.open();
	const page = await context.newPage();
	const tokens = await tokensOf(page);
	await connect(page, { provider: 'Harbor', username: 'haruto' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await keepCopy(page, 'Harbor Medical Group');
	await page.goto('/connections');
	await card(page, 'Harbor Medical Group').getByRole('button', { name: 'Refresh Now' }).click();
	await expect.poll(async () => Object.keys(await tokens()).length).toBeGreaterThanOrEqual(7);
	const asking = await agent({ who: 'Asker with a name', why: 'A reason of their own' });
	await sendHalf(page, stack, asking);

	expect(await rowKinds(page)).toEqual(expect.arrayContaining(['copy', 'history', 'index']));
	const [, secret] = new URL((await asking.link()).url).hash.slice(1).split('.').slice(1);
	const records = {
		...traces(stack, 'harbor', 'haruto', '陽翔 渡辺'),
		...traces(stack, 'summit', 'linnea', 'Linnéa Åkerström'),
	};
	const secrets = { ...(await tokens()), ...records };
	expect(Object.keys(secrets).length).toBeGreaterThan(50);
	const control = randomBytes(24).toString('hex');
	await plant(page, control);
	const places = await leaks(page, [profile.dir], { control });
	expect(places.filter((place) => place === 'control').length).toBeGreaterThanOrEqual(2);
	expect(places.some((place) => /IndexedDB/.test(place))).toBe(true);

	expect(await leaks(page, [profile.dir, stack.dataDir], secrets)).toEqual([]);
	// The browser's own list of open tabs may hold the link as it was clicked; the app and the relay do not.
	expect(await leaks(page, [stack.dataDir], { 'secret of the link': String(secret) })).toEqual([]);
	const request = { who: 'Asker with a name', why: 'A reason of their own' };
	for (const { octets } of await filesBelow(stack.dataDir)) expect(found(octets, request)).toEqual([]);
	// Closing writes what was still in memory.
	await context.close();
	for (const { name, octets } of await filesBelow(profile.dir)) {
		expect({ name, found: found(octets, secrets) }).toEqual({ name, found: [] });
	}
});

test('the key of the wallet cannot be taken out of the browser', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const stored = (await everythingStored(page)).map(String);
	expect(stored.filter((text) => text.startsWith('key, extractable'))).toEqual(['key, extractable: false']);
});

test('codes, tokens and the secret of a link are in no address, history, referrer, timing entry or request URL', async ({
	page,
	context,
	stack,
	agent,
}) => {
	const tokens = await tokensOf(page);
	const requested: string[] = [];
	let code = '';
	context.on('request', (request) => {
		const url = new URL(request.url());
		if (request.isNavigationRequest() && url.pathname === '/connect/callback') {
			// The provider brings the code here itself; from then on it is in no URL.
			code = url.searchParams.get('code') ?? '';
			return;
		}
		url.hash = '';
		requested.push(url.href);
	});
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	const { url } = await asking.link();
	await page.goto(url);
	await include(page, 'Harbor Medical Group').check();
	await send(page);
	await asking.event('done');
	const [pk, secret] = new URL(url).hash.slice(1).split('.').slice(1);
	expect(code.length).toBeGreaterThan(20);
	expect(Object.keys(await tokens())).toContain('refresh_token 0');
	// The worker's requests are seen too.
	expect(requested.some((href) => /\/harbor\/fhir\/Observation\?/.test(href))).toBe(true);
	const secrets = { ...(await tokens()), code, pk: String(pk), secret: String(secret) };
	expect(requested.filter((href) => found(Buffer.from(href), secrets).length)).toEqual([]);
	// What the provider brought along is nowhere in the page, and neither is the state.
	for (const path of ['/connections', new URL(page.url()).pathname]) {
		await page.goto(path);
		const seen = await page.evaluate(() => [
			location.href,
			document.referrer,
			JSON.stringify(history.state),
			...performance.getEntries().map(({ name }) => name),
			...((window as { navigation?: { entries(): { url: string | null }[] } }).navigation?.entries() ?? []).map(
				(entry) => String(entry.url),
			),
		]);
		expect(seen.length).toBeGreaterThan(5);
		expect(seen.filter((text) => found(Buffer.from(text), secrets).length || /[?&](code|state)=/.test(text))).toEqual(
			[],
		);
	}
	// Nothing of it reached the health system's address bar or the relay's files either.
	const ids = { patient: stack.sandbox.patientId('harbor', 'camila') };
	const relayed = requested.filter((href) => href.startsWith(stack.origin));
	expect(relayed.filter((href) => found(Buffer.from(href), ids).length)).toEqual([]);
});

const APP = fileURLToPath(new URL('../../dist/app', import.meta.url));

/** The two ways to leave nothing here, from the connections as far as the answer. */
const LEAVING: Record<string, (page: Page) => Promise<void>> = {
	'Clear All Connections': async (page) => {
		await page.getByRole('button', { name: 'Clear All Connections' }).click();
		await confirm(page, 'Clear All Connections');
		await expect(page.getByText('All connections were cleared.')).toBeVisible();
	},
	'Forget here': async (page) => {
		await page.goto('/settings');
		await page.getByRole('button', { name: 'Make a backup' }).click();
		await page.getByLabel('Passphrase').first().fill('violet anchor seventeen rivers');
		await page.getByLabel('The same once more').fill('violet anchor seventeen rivers');
		const downloading = page.waitForEvent('download');
		await page.getByRole('button', { name: 'Make the file and hand over' }).click();
		await (await downloading).path();
		await page.goto('/connections');
		await page.getByRole('button', { name: 'Forget here' }).click();
		await confirm(page, 'Forget here');
		await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	},
};

for (const [way, leave] of Object.entries(LEAVING)) {
	test(`after "${way}" this origin keeps nothing but the app`, async ({ profile, stack, agent }) => {
		// A browser's own profile: private ones are woken for nothing.
		const page = await (await profile.open()).newPage();
		const cdp = await page.context().newCDPSession(page);
		await cdp.send('Browser.grantPermissions', {
			origin: stack.origin,
			permissions: ['notifications', 'periodicBackgroundSync'],
		});
		await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
		await page.getByRole('link', { name: 'Settings' }).click();
		await page.getByRole('button', { name: 'Turn on notifications' }).click();
		await expect(page.getByText('Notifications are on.')).toBeVisible();
		await keepCopy(page, 'Harbor Medical Group');
		await page.goto((await (await agent()).link()).url);
		await include(page, 'Harbor Medical Group').check();
		await page.goto('/connections');
		// Without a screen Chromium does not offer to install.
		await page.evaluate(() => window.dispatchEvent(new Event('beforeinstallprompt', { cancelable: true })));
		await page.getByRole('button', { name: 'Not now' }).click();
		await page.evaluate(async () => (await navigator.serviceWorker.ready).showNotification('control'));
		expect(await remains(page, APP)).toEqual(
			expect.arrayContaining([
				expect.stringMatching(/^IndexedDB satchel: \["connection"/),
				expect.stringMatching(/^IndexedDB satchel: \["copy"/),
				expect.stringMatching(/^IndexedDB satchel: \["part"/),
				expect.stringMatching(/^IndexedDB satchel: \["session"/),
				'localStorage: satchel-install-dismissed',
				'notification: control',
				'periodicSync: tend',
			]),
		);

		await leave(page);
		expect(await remains(page, APP)).toEqual([]);
		// Neither does the next visit begin to keep something.
		await page.reload();
		await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
		expect(await remains(page, APP)).toEqual([]);
		await plant(page, 'x');
		await plantElsewhere(page);
		expect(await remains(page, APP)).toEqual([
			'IndexedDB control: "control"',
			'localStorage: control',
			'sessionStorage: control',
			'cookie: control=x',
			'file: control',
			`CacheStorage: ${stack.origin}/index.html`,
		]);
	});
}
