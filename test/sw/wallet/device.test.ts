import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { codeOf, json, kill, killAfter, result, rowsOnDisk, sent, textIn, withStore } from '../setup.js';
import { back, entry, load, provider, signIn, type Worker } from './provider.js';
import { connection } from './support.js';

const directory = [entry({ method: 'device-key' })];
const bare = { refresh_token: undefined };
const keyRows = async () => (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'device-key');
const registrations = () => sent.filter(({ url }) => url.endsWith('/register'));
const status = (code: number) => (request: Request) =>
	request.url.endsWith('/register') ? json({}, { status: code }) : undefined;

/** The connection as it stands, and as its card shows it. */
async function only(worker: Worker): Promise<{ row: Connection; view: ReturnType<Worker['viewConnection']> }> {
	const all = await worker.listConnections();
	expect(all).toHaveLength(1);
	const [row] = all;
	if (!row) throw new Error('no connection');
	return { row, view: worker.viewConnection(row, Date.now(), false) };
}

test('a sign-in registers a client for this device, and access is renewed by its key from then on', async () => {
	const worker = await load();
	const { devices } = provider({ directory, tokens: bare });
	await signIn(worker);
	const { row, view } = await only(worker);
	expect(row).toMatchObject({ device: { clientId: 'device-1' }, refreshToken: null, expiry: { kind: 'unknown' } });
	expect(view).toMatchObject({ renewable: true, deviceBound: true, status: 'active' });
	expect(registrations()).toHaveLength(1);
	expect(registrations()[0]?.headers.get('Authorization')).toBe('Bearer at-1');
	const fresh = await worker.freshConnection(row.id, { rejected: 'at-1' });
	expect(fresh).toMatchObject({ accessToken: 'dt-2', refreshToken: null, expiry: { kind: 'unknown' } });
	expect(devices).toEqual(['device-1']);
});

test('the redirect does not wait for the registration', async () => {
	const worker = await load();
	const { state } = provider({ directory, tokens: bare });
	let answer: (response: Response) => void = () => {};
	state.odd = (request) =>
		request.url.endsWith('/register') ? new Promise<Response>((resolve) => (answer = resolve)) : undefined;
	const { url } = await worker.startConnect({ kind: 'provider', providerId: 'lake' }, '/connections', null);
	const arrival = await worker.finishConnect(back(url));
	expect((await only(worker)).row.device).toBe('wanted');
	await vi.waitUntil(() => registrations().length === 1, { timeout: 20_000 });
	answer(json({ client_id: 'device-1' }, { status: 201 }));
	await arrival.rest;
	expect((await only(worker)).row.device).toEqual({ clientId: 'device-1' });
});

test('the private key cannot be read, not by this worker either', async () => {
	const worker = await load();
	provider({ directory, tokens: bare });
	const made = await signIn(worker);
	const key = await worker.deviceKey(made?.id ?? '');
	expect(key?.key).toMatchObject({ extractable: false, type: 'private', usages: ['sign'] });
	expect(key?.key.algorithm).toMatchObject({
		name: 'RSASSA-PKCS1-v1_5',
		modulusLength: 2048,
		hash: { name: 'SHA-384' },
	});
	await expect(crypto.subtle.exportKey('jwk', key?.key as CryptoKey)).rejects.toThrow();
	expect((await rowsOnDisk()).map(({ value }) => textIn(value)).join('\n')).not.toContain('at-1');
});

test.each([404, 405, 403, 401, 400])(
	'a server that answers %i registers nobody: the connection ends visibly with its access token',
	async (code) => {
		const worker = await load();
		const { state } = provider({ directory, tokens: bare });
		state.odd = status(code);
		await signIn(worker);
		const { row, view } = await only(worker);
		expect(row.device).toBeNull();
		expect(view).toMatchObject({ status: 'active', renewable: false, deviceBound: false, expiry: { renews: false } });
		expect(view.expiry).toMatchObject({ kind: 'at', at: row.accessExpiresAt });
		expect(await keyRows()).toEqual([]);
	},
);

test('with a refresh token from the sign-in, a server without registration is a server like any other', async () => {
	const worker = await load();
	const { state } = provider({ directory });
	state.odd = status(404);
	await signIn(worker);
	const { row, view } = await only(worker);
	expect(row).toMatchObject({ device: null, refreshToken: 'rt-1' });
	expect(view.renewable).toBe(true);
});

test.each([429, 500, 503])(
	'a %i leaves the registration wanted, and the next try ends it with the same key',
	async (code) => {
		const worker = await load();
		const { state } = provider({ directory, tokens: bare });
		state.odd = status(code);
		const made = await signIn(worker);
		expect((await only(worker)).row.device).toBe('wanted');
		expect(await keyRows()).toHaveLength(1);
		state.odd = undefined;
		await worker.registerDevice({ id: made?.id ?? '' });
		expect((await only(worker)).row.device).toEqual({ clientId: 'device-1' });
		const [first, second] = registrations().map(({ body }) => body);
		expect(second).toBe(first);
	},
);

test('a registration that never came about is given up with the access token, and the key deleted', async () => {
	const worker = await load();
	const { state } = provider({ directory, tokens: bare });
	state.odd = status(503);
	const made = await signIn(worker);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
	await worker.registerDevice({ id: made?.id ?? '' });
	const { row, view } = await only(worker);
	expect(row.device).toBeNull();
	expect(view.status).toBe('expired');
	expect(await keyRows()).toEqual([]);
	expect(registrations()).toHaveLength(1);
});

test('a connection without the wish for it registers nothing', async () => {
	const worker = await load();
	provider();
	const made = await signIn(worker);
	await worker.registerDevice({ id: made?.id ?? '' });
	expect(await worker.registerDevice({ id: 'gone' })).toBeUndefined();
	expect(registrations()).toEqual([]);
	expect(await keyRows()).toEqual([]);
});

test('the refresh token that came besides is dropped once the key has worked, and kept until then', async () => {
	const worker = await load();
	const { state, revoked } = provider({ directory });
	await signIn(worker);
	const { row } = await only(worker);
	expect(row).toMatchObject({ device: { clientId: 'device-1' }, refreshToken: 'rt-1' });
	state.odd = (_request, form) =>
		form.get('assertion') ? json({ error: 'invalid_client' }, { status: 400 }) : undefined;
	expect(await codeOf(worker.freshConnection(row.id, { rejected: 'at-1' }))).toBe('client_rejected');
	expect((await only(worker)).row.refreshToken).toBe('rt-1');
	state.odd = undefined;
	await worker.freshConnection(row.id, { rejected: 'at-1' });
	expect((await only(worker)).row).toMatchObject({ refreshToken: null, accessToken: 'dt-2' });
	// Ending it at the provider might end the consent that the device's client lives on.
	expect(revoked).toEqual([]);
});

test('an invalid_grant ends a connection of this device, an invalid_client explains itself and does not', async () => {
	const worker = await load();
	const { state } = provider({ directory, tokens: bare });
	await signIn(worker);
	const { row } = await only(worker);
	const refuse = (error: string) => {
		state.odd = (_request, form) => (form.get('assertion') ? json({ error }, { status: 400 }) : undefined);
	};
	refuse('invalid_client');
	expect(await codeOf(worker.freshConnection(row.id, { rejected: 'at-1' }))).toBe('client_rejected');
	expect((await only(worker)).view).toMatchObject({
		status: 'active',
		problem: { error: { code: 'client_rejected' } },
	});
	refuse('invalid_grant');
	expect(await codeOf(worker.freshConnection(row.id, { rejected: 'at-1' }))).toBe('reauthorization_required');
	expect((await only(worker)).view.status).toBe('expired');
});

test('a connection whose key is not on this device has to be signed in to again', async () => {
	const worker = await load();
	provider({ directory, tokens: bare });
	await signIn(worker);
	const { row } = await only(worker);
	await withStore('readwrite', (store) => result(store.delete(['device-key', row.id])));
	expect(await codeOf(worker.freshConnection(row.id, { rejected: 'at-1' }))).toBe('reauthorization_required');
});

test('signing in again makes a new key and a new client for the same card', async () => {
	const worker = await load();
	const { devices } = provider({ directory, tokens: bare });
	const first = await signIn(worker);
	await signIn(worker, { kind: 'reauthorize', connectionId: first?.id ?? '' });
	const { row } = await only(worker);
	expect(row).toMatchObject({ id: first?.id, device: { clientId: 'device-2' } });
	expect(devices).toHaveLength(2);
	const keys = registrations().map(({ body }) => JSON.parse(body).jwks.keys[0].kid);
	expect(new Set(keys).size).toBe(2);
	expect(await keyRows()).toHaveLength(1);
});

/**
 * The worker dies at its n-th operation (transaction or request) after the sign-in was committed. Whatever that was, the next one
 * finds either a client that works or an end that shows.
 */
test('wherever a worker dies during a registration, no connection looks fine and is dead', async () => {
	let deaths = 0;
	for (let operations = 0; ; operations++) {
		const worker = await load();
		const { devices } = provider();
		const id = 'c1';
		const lives = { accessToken: 'at-1', refreshToken: null, accessExpiresAt: Date.now() + 3_600_000 };
		await worker.addConnection(connection({ ...lives, device: 'wanted' }));
		const died = killAfter(operations);
		const ended = await Promise.race([
			died,
			worker.registerDevice({ id }).then(
				() => 'done',
				() => 'dead',
			),
		]);
		if (ended === 'done') kill();
		else deaths++;
		const next = await load();
		await next.registerDevice({ id });
		const view = await next.viewOne(id);
		const row = await next.getConnection(id);
		if (view.renewable) {
			expect(devices.map((clientId) => ({ clientId }))).toContainEqual(row?.device);
			expect((await next.freshConnection(id, { rejected: row?.accessToken ?? '' })).accessToken).toMatch(/^dt-/);
		} else {
			// The server took the registration and nobody knows of it: its access token is spent.
			expect(devices, `after ${operations}`).toHaveLength(1);
			expect(row?.device).toBeNull();
			expect(view).toMatchObject({ renewable: false, status: 'active' });
			vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
			expect((await next.viewOne(id)).status).toBe('expired');
			vi.useRealTimers();
		}
		await next.removeConnection(id);
		expect(await keyRows()).toEqual([]);
		kill();
		if (ended === 'done') break;
	}
	expect(deaths).toBeGreaterThan(4);
});

test('a client that was registered is not lost to one failed write', async () => {
	const worker = await load();
	const { state, devices } = provider({ directory, tokens: bare });
	const transaction = IDBDatabase.prototype.transaction;
	let broken = false;
	IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
		const made = transaction.apply(this, given);
		if (broken && given[1] === 'readwrite') made.abort();
		return made;
	};
	try {
		state.odd = (request) => {
			broken ||= request.url.endsWith('/register');
			return undefined;
		};
		const { url } = await worker.startConnect({ kind: 'provider', providerId: 'lake' }, '/connections', null);
		await (await worker.finishConnect(back(url))).rest.catch(() => {});
		const { row } = await only(worker);
		expect(row.device).toBe('wanted');
		const { hasUnsaved, saveUnsaved } = await import('../../../sw/wallet/unsaved.js');
		expect(hasUnsaved()).toBe(true);
		// As long as it is broken, asking again sends nothing: the access token is spent.
		await worker.registerDevice(row).catch(() => {});
		expect(registrations()).toHaveLength(1);
		broken = false;
		state.odd = undefined;
		await saveUnsaved();
		expect((await only(worker)).row).toMatchObject({ device: { clientId: 'device-1' }, expiry: { kind: 'unknown' } });
		expect(devices).toEqual(['device-1']);
		expect(await worker.freshConnection(row.id, { rejected: 'at-1' })).toMatchObject({ accessToken: 'dt-2' });
	} finally {
		IDBDatabase.prototype.transaction = transaction;
	}
});

test('removing a connection of this device ends what the sign-in gave besides, too', async () => {
	const worker = await load();
	const { revoked } = provider({ directory });
	const made = await signIn(worker);
	await worker.freshConnection(made?.id ?? '', { rejected: 'at-1' });
	await worker.freshConnection(made?.id ?? '', { rejected: 'dt-2' });
	expect((await only(worker)).row.refreshToken).toBeNull();
	await worker.removeConnection(made?.id ?? '');
	expect(revoked).toContainEqual({ token: 'rt-1', client: 'app-1' });
	expect(revoked).toContainEqual({ token: 'dt-3', client: 'device-1' });
});
