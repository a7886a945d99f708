import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { json, network, sent } from '../setup.js';
import { connection } from './support.js';

async function start(change: Partial<Connection> = {}) {
	const connections = await import('../../../sw/wallet/connections.js');
	const { tend } = await import('../../../sw/wallet/tend.js');
	await connections.addConnection(connection(change));
	return { ...connections, tend };
}

const HOUR = 3_600_000;

test('tending refreshes what is due and nothing else, three at a time', async () => {
	const { addConnection, tend, getConnection } = await start({
		id: 'good',
		accessExpiresAt: Date.now() + HOUR,
		lastRefreshedAt: Date.now(),
	});
	const due = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'];
	for (const id of due) await addConnection(connection({ id }));
	await addConnection(connection({ id: 'untested', accessExpiresAt: Date.now() + HOUR }));
	await addConnection(connection({ id: 'dead', status: 'expired' }));
	await addConnection(connection({ id: 'short', refreshToken: null, accessExpiresAt: Date.now() + 60_000 }));
	const told = { code: 'rate_limited', correlationId: 'x', retryAt: Date.now() + HOUR } as const;
	await addConnection(connection({ id: 'resting', problem: { error: told, since: Date.now(), triedAt: Date.now() } }));
	const broken = { code: 'client_rejected', correlationId: 'x' } as const;
	await addConnection(
		connection({ id: 'refused', problem: { error: broken, since: Date.now(), triedAt: Date.now() } }),
	);
	let release = () => {};
	const released = new Promise<void>((resolve) => {
		release = resolve;
	});
	network(async () => {
		await released;
		return json({ access_token: 'at-new', token_type: 'Bearer', expires_in: 3600 });
	});
	// No jitter.
	vi.spyOn(Math, 'random').mockReturnValue(0);
	const tending = tend();
	await vi.waitFor(() => expect(sent).toHaveLength(3));
	for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
	expect(sent).toHaveLength(3);
	release();
	await tending;
	expect(sent).toHaveLength(due.length + 1);
	for (const id of [...due, 'untested']) expect((await getConnection(id))?.accessToken, id).toBe('at-new');
});

test('tending goes on after one that fails', async () => {
	const { addConnection, tend, getConnection } = await start({ id: 'first', refreshToken: 'bad' });
	await addConnection(connection({ id: 'second' }));
	network(async (request) => {
		const form = new URLSearchParams(await request.text());
		if (form.get('refresh_token') === 'bad') return json({ error: 'invalid_grant' }, { status: 400 });
		return json({ access_token: 'at-new', token_type: 'Bearer' });
	});
	await tend();
	expect((await getConnection('first'))?.status).toBe('expired');
	expect((await getConnection('second'))?.accessToken).toBe('at-new');
});

test('a locked wallet is left alone, and so is one that was moved into a backup', async () => {
	const { tend, getConnection } = await start();
	const { commit } = await import('../../../sw/wallet/rows.js');
	const { PAUSED } = await import('../../../sw/wallet/pause.js');
	const lock = await import('../../../sw/wallet/lock.js');
	network(() => json({ access_token: 'at-new', token_type: 'Bearer' }));
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
	await lock.enableLock({ key, credentialId: 'credential', salt: 'salt' });
	await lock.lockNow();
	await tend();
	expect(sent).toHaveLength(0);
	await lock.unlock(key);
	await commit([{ key: PAUSED, value: { since: 1 } }]);
	await tend();
	expect(sent).toHaveLength(0);
	await commit([{ key: PAUSED, remove: true }]);
	await tend();
	expect((await getConnection('c1'))?.accessToken).toBe('at-new');
});

test('two pages that ask at once set off one round', async () => {
	const { addConnection, tend } = await start();
	await addConnection(connection({ id: 'c2' }));
	network(() => json({ access_token: 'at-new', token_type: 'Bearer', expires_in: 3600 }));
	await Promise.all([tend(), tend()]);
	expect(sent).toHaveLength(2);
});

const wanted = (change: Partial<Connection> = {}) =>
	({ device: 'wanted', accessExpiresAt: Date.now() + HOUR, lastRefreshedAt: Date.now(), ...change }) as const;

test('a registration that is put off is noted, and left alone until the provider wants to be asked again', async () => {
	const { tend, getConnection } = await start(wanted({ refreshToken: null }));
	network(() => json({}, { status: 429, headers: { 'Retry-After': '1800' } }));
	for (let page = 0; page < 3; page++) await tend();
	expect(sent.map(({ url }) => url)).toEqual(['https://auth.test/register']);
	const noted = (await getConnection('c1'))?.problem;
	expect(noted).toMatchObject({ error: { code: 'rate_limited', retryAt: expect.any(Number) } });
	network(() => json({ client_id: 'device-1' }, { status: 201 }));
	vi.useFakeTimers({ toFake: ['Date'], now: (noted?.error.retryAt ?? 0) + 1 });
	await tend();
	expect(sent.filter(({ url }) => url.endsWith('/register'))).toHaveLength(2);
	expect(await getConnection('c1')).toMatchObject({ device: { clientId: 'device-1' }, problem: null });
});

test('a registration that hangs keeps no refresh waiting', async () => {
	const { addConnection, tend, getConnection } = await start(wanted({ refreshToken: null }));
	await addConnection(connection({ id: 'due' }));
	let answer = (_: Response) => {};
	network(({ url }) =>
		url.endsWith('/register')
			? new Promise<Response>((resolve) => (answer = resolve))
			: json({ access_token: 'at-new', token_type: 'Bearer', expires_in: 3600 }),
	);
	const tending = tend();
	await vi.waitFor(async () => expect((await getConnection('due'))?.accessToken).toBe('at-new'), 20_000);
	await vi.waitFor(() => expect(sent).toHaveLength(2), 20_000);
	expect((await getConnection('c1'))?.device).toBe('wanted');
	answer(json({ client_id: 'device-1' }, { status: 201 }));
	await tending;
	expect((await getConnection('c1'))?.device).toEqual({ clientId: 'device-1' });
});

test('while a registration rests, a refresh that is due rests with it: the same provider asked for patience', async () => {
	const { tend, getConnection } = await start(wanted({ lastRefreshedAt: Date.now() - 2 * HOUR }));
	network(({ url }) =>
		url.endsWith('/register')
			? json({}, { status: 503 })
			: json({ access_token: 'at-new', token_type: 'Bearer', expires_in: 3600 }),
	);
	await tend();
	expect(sent.map(({ url }) => url)).toEqual(['https://auth.test/register']);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * HOUR });
	await tend();
	expect(await getConnection('c1')).toMatchObject({ accessToken: 'at-new', device: 'wanted', problem: null });
});
