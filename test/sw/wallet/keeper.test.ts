import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { codeOf, json, kill, network, rowsOnDisk, sent } from '../setup.js';
import { connection, rotating } from './support.js';

async function load() {
	const connections = await import('../../../sw/wallet/connections.js');
	const { forgetUnsaved } = await import('../../../sw/wallet/unsaved.js');
	return { ...connections, forgetUnsaved, ...(await import('../../../sw/wallet/keeper.js')) };
}

async function start(change: Partial<Connection> = {}) {
	const worker = await load();
	await worker.addConnection(connection(change));
	return worker;
}

const HOUR = 3_600_000;
const refuse = (status: number, body: object = {}) => network(() => json(body, { status }));

test('twenty callers at once cause one token request and get the same token', async () => {
	const { freshConnection } = await start();
	const server = rotating();
	network(server.respond);
	const got = await Promise.all(Array.from({ length: 20 }, () => freshConnection('c1')));
	expect(new Set(got.map(({ accessToken }) => accessToken))).toEqual(new Set(['at-1']));
	expect(server.presented).toEqual(['rt-0']);
});

test('two workers at once cause one token request', async () => {
	const { freshConnection } = await start();
	vi.resetModules();
	const other = await load();
	const server = rotating();
	network(server.respond);
	const [a, b] = await Promise.all([freshConnection('c1'), other.freshConnection('c1')]);
	expect([a.accessToken, b.accessToken]).toEqual(['at-1', 'at-1']);
	expect(server.presented).toEqual(['rt-0']);
});

test('all who met a 401 share one new token', async () => {
	const { freshConnection } = await start({ accessExpiresAt: Date.now() + HOUR });
	const server = rotating();
	network(server.respond);
	const got = await Promise.all(Array.from({ length: 5 }, () => freshConnection('c1', { rejected: 'at-0' })));
	expect(got.map(({ accessToken }) => accessToken)).toEqual(Array(5).fill('at-1'));
	// Somebody who was slower to be refused.
	expect((await freshConnection('c1', { rejected: 'at-0' })).accessToken).toBe('at-1');
	expect(server.presented).toEqual(['rt-0']);
});

test('a good access token costs no request, also after the worker died', async () => {
	const { freshConnection } = await start({ accessExpiresAt: Date.now() + HOUR });
	expect((await freshConnection('c1')).accessToken).toBe('at-0');
	kill();
	expect((await (await load()).freshConnection('c1')).accessToken).toBe('at-0');
	expect(sent).toHaveLength(0);
});

test('a token with less than a minute left is renewed; without a refresh token it is used to its end', async () => {
	const soon = Date.now() + 30_000;
	const { addConnection, freshConnection } = await start({ accessExpiresAt: soon });
	await addConnection(connection({ id: 'c2', accessExpiresAt: soon, refreshToken: null }));
	const server = rotating();
	network(server.respond);
	expect((await freshConnection('c1')).accessToken).toBe('at-1');
	expect((await freshConnection('c2')).accessToken).toBe('at-0');
});

test('a rotated token is on disk before anybody gets it', async () => {
	const { freshConnection } = await start();
	network(rotating().respond);
	await freshConnection('c1');
	kill();
	const { getConnection } = await load();
	expect(await getConnection('c1')).toMatchObject({ accessToken: 'at-1', refreshToken: 'rt-1', intent: null });
});

test('the intent to refresh is on disk before the request leaves', async () => {
	const { freshConnection, getConnection } = await start();
	const server = rotating();
	let seen: unknown;
	network(async (request) => {
		seen = (await getConnection('c1'))?.intent;
		return server.respond(request);
	});
	await freshConnection('c1');
	expect(seen).toMatchObject({ startedAt: expect.any(Number) });
});

test('an answer that cannot be written down is kept, and written down as soon as that is possible', async () => {
	const { freshConnection } = await start();
	const server = rotating();
	const { put } = IDBObjectStore.prototype;
	const full = vi.spyOn(IDBObjectStore.prototype, 'put');
	network(async (request) => {
		const response = await server.respond(request);
		full.mockImplementation(() => {
			throw new DOMException('full', 'QuotaExceededError');
		});
		return response;
	});
	await expect(freshConnection('c1')).rejects.toThrow();
	full.mockImplementation(put);
	full.mockRestore();
	expect((await freshConnection('c1')).accessToken).toBe('at-1');
	expect(server.presented).toEqual(['rt-0']);
	kill();
	const { getConnection } = await load();
	expect(await getConnection('c1')).toMatchObject({ refreshToken: 'rt-1', status: 'active' });
});

test('an answer that could not be written down does not undo a new sign-in', async () => {
	const { freshConnection, updateConnection, forgetUnsaved } = await start();
	const server = rotating();
	const full = vi.spyOn(IDBObjectStore.prototype, 'put');
	network(async (request) => {
		const response = await server.respond(request);
		full.mockImplementation(() => {
			throw new DOMException('full', 'QuotaExceededError');
		});
		return response;
	});
	await expect(freshConnection('c1')).rejects.toThrow();
	full.mockRestore();
	await updateConnection('c1', { accessToken: 'signed-in', refreshToken: 'new', accessExpiresAt: Date.now() + HOUR });
	forgetUnsaved('c1');
	expect((await freshConnection('c1')).accessToken).toBe('signed-in');
});

test('a worker that dies before the request arrived leaves a token that still works, sent once more', async () => {
	const { freshConnection } = await start();
	const server = rotating();
	network(() => {
		kill();
		return new Promise(() => {});
	});
	void freshConnection('c1').catch(() => {});
	await vi.waitFor(async () => expect(sent).toHaveLength(1));
	await new Promise((resolve) => setTimeout(resolve));
	const next = await load();
	expect((await next.getConnection('c1'))?.intent).not.toBeNull();
	network(server.respond);
	expect((await next.freshConnection('c1')).accessToken).toBe('at-1');
	expect(server.presented).toEqual(['rt-0']);
	expect((await next.getConnection('c1'))?.intent).toBeNull();
});

test('a worker that dies with the rotated token in flight ends in signing in again, without a loop', async () => {
	const { freshConnection } = await start();
	const server = rotating();
	network(async (request) => {
		await server.respond(request);
		kill();
		return new Promise(() => {});
	});
	void freshConnection('c1').catch(() => {});
	await vi.waitFor(() => expect(server.presented).toHaveLength(1));
	await new Promise((resolve) => setTimeout(resolve));
	network(server.respond);
	const next = await load();
	for (let i = 0; i < 3; i++) expect(await codeOf(next.freshConnection('c1'))).toBe('reauthorization_required');
	expect(server.presented).toEqual(['rt-0', 'rt-0']);
	expect(await next.getConnection('c1')).toMatchObject({ status: 'expired', patientId: 'p1', refreshToken: 'rt-0' });
});

test('of a row of failures the first says since when, and the last which it is', async () => {
	const { freshConnection, getConnection } = await start();
	refuse(503);
	expect(await codeOf(freshConnection('c1'))).toBe('provider_unavailable');
	const first = (await getConnection('c1'))?.problem;
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR });
	refuse(429);
	expect(await codeOf(freshConnection('c1'))).toBe('rate_limited');
	const second = (await getConnection('c1'))?.problem;
	expect(second).toMatchObject({ since: first?.since, error: { code: 'rate_limited' } });
	expect(second?.error.correlationId).not.toBe(first?.error.correlationId);
});

/** A provider that answers only once `waiting` callers ask for the connection's lock. */
function heldUp(answer: () => Response) {
	let release = () => {};
	const released = new Promise<void>((resolve) => (release = resolve));
	network(async () => {
		await released;
		return answer();
	});
	const locks = vi.spyOn(navigator.locks, 'request');
	const asked = () => locks.mock.calls.filter(([name]) => name === 'refresh c1').length;
	return async (waiting: number) => {
		await vi.waitFor(() => expect([sent.length, asked()]).toEqual([1, waiting]));
		release();
	};
}

test('all who waited for one request share its failure too, each with the same number', async () => {
	const { refreshNow } = await start();
	const answer = heldUp(() => json({}, { status: 503 }));
	const all = Array.from({ length: 5 }, () => refreshNow('c1').catch((error: unknown) => error));
	await answer(5);
	const errors = (await Promise.all(all)) as { code: string; correlationId: string }[];
	expect(sent).toHaveLength(1);
	expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['provider_unavailable']));
	expect(new Set(errors.map(({ correlationId }) => correlationId)).size).toBe(1);
});

test('a provider that asked for patience is not asked again by whoever waited, but by who asks afterwards', async () => {
	const { freshConnection, refreshNow } = await start();
	const answer = heldUp(() => json({}, { status: 429, headers: { 'Retry-After': '3600' } }));
	const all = [freshConnection('c1'), refreshNow('c1')].map((one) => one.catch((error: unknown) => error));
	await answer(2);
	for (const error of await Promise.all(all)) {
		expect(error).toMatchObject({ code: 'rate_limited', retryAt: expect.any(Number) });
	}
	expect(sent).toHaveLength(1);
	network(rotating().respond);
	await refreshNow('c1');
	expect(sent).toHaveLength(2);
});

test('an answer that ended the connection ends it for all who waited', async () => {
	const { freshConnection } = await start();
	const answer = heldUp(() => json({ error: 'invalid_grant' }, { status: 400 }));
	const all = [codeOf(freshConnection('c1')), codeOf(freshConnection('c1'))];
	await answer(2);
	expect(await Promise.all(all)).toEqual(['reauthorization_required', 'reauthorization_required']);
	expect(sent).toHaveLength(1);
});

test('a refresh that works clears the problem', async () => {
	const { freshConnection, getConnection } = await start();
	refuse(503);
	await codeOf(freshConnection('c1'));
	network(rotating().respond);
	await freshConnection('c1');
	expect(await getConnection('c1')).toMatchObject({ problem: null, status: 'active' });
});

test('access that ended without a way to renew it asks for signing in, without a request', async () => {
	const { freshConnection, getConnection, viewConnection } = await start({ refreshToken: null });
	expect(await codeOf(freshConnection('c1'))).toBe('reauthorization_required');
	const view = viewConnection((await getConnection('c1'))!, Date.now(), false);
	expect(view).toMatchObject({ status: 'expired', problem: null, renewable: false });
	expect(sent).toHaveLength(0);
});

test('athenahealth is sent the granted scope again, others are not', async () => {
	const { addConnection, freshConnection } = await start({ provider: { name: 'A', vendor: 'athenahealth' } });
	await addConnection(connection({ id: 'c2' }));
	const scopes: unknown[] = [];
	network(async (request) => {
		scopes.push(new URLSearchParams(await request.text()).get('scope'));
		return json({ access_token: 'at', token_type: 'Bearer' });
	});
	await freshConnection('c1');
	await freshConnection('c2');
	expect(scopes).toEqual(['patient/*.rs', null]);
});

test('at Epic the end is asked for by introspection, after the tokens are safe', async () => {
	const { freshConnection, getConnection } = await start({ provider: { name: 'E', vendor: 'epic' } });
	const server = rotating();
	const exp = Math.floor(Date.now() / 1000) + 86_400;
	let kept: unknown;
	network(async (request) => {
		if (!request.url.endsWith('/introspect')) return server.respond(request);
		kept = (await getConnection('c1'))?.refreshToken;
		return json({ active: true, exp });
	});
	const fresh = await freshConnection('c1');
	expect(kept).toBe('rt-1');
	expect(fresh.expiry).toEqual({ kind: 'at', at: exp * 1000, renews: false });
});

test('an end that moves with each refresh renews, one that stays does not', async () => {
	const { freshConnection, getConnection } = await start();
	const begin = Date.now();
	network(rotating(() => ({ refresh_expires_in: 90 * 24 * 3600 })).respond);
	await freshConnection('c1');
	expect((await getConnection('c1'))?.expiry).toMatchObject({ kind: 'at', renews: false });
	vi.useFakeTimers({ toFake: ['Date'], now: begin + 24 * HOUR });
	await freshConnection('c1');
	expect((await getConnection('c1'))?.expiry).toMatchObject({ kind: 'at', renews: true });
});

test('a connection that is removed during its refresh does not come back', async () => {
	const { freshConnection, deleteConnection, listConnections } = await start();
	const server = rotating();
	network(async (request) => {
		await deleteConnection('c1');
		return server.respond(request);
	});
	expect(await codeOf(freshConnection('c1'))).toBe('connection_unknown');
	expect(await listConnections()).toEqual([]);
	expect((await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'connection')).toEqual([]);
});

test('while it refreshes it is shown as refreshing, and listeners hear of the change', async () => {
	const { freshConnection, isRefreshing, onConnectionChange } = await start();
	const heard: boolean[] = [];
	onConnectionChange(() => heard.push(isRefreshing('c1')));
	network(rotating().respond);
	await freshConnection('c1');
	expect(heard).toEqual([true, false]);
});

/** A worker that dies with its request in flight, each time it is asked. */
async function die() {
	const worker = await load();
	const asked = sent.length;
	network(() => {
		kill();
		return new Promise(() => {});
	});
	void worker.freshConnection('c1').catch(() => {});
	await vi.waitFor(() => expect(sent.length).toBeGreaterThan(asked));
	await new Promise((resolve) => setTimeout(resolve));
}

test('the intent holds a hash of what is presented, never the token, and counts the attempts', async () => {
	await start({ refreshToken: 'a.b+c/d=~é' });
	await die();
	const { getConnection } = await load();
	const first = (await getConnection('c1'))?.intent;
	expect(first).toMatchObject({ tokenHash: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), attempt: 1 });
	await die();
	expect((await (await load()).getConnection('c1'))?.intent).toMatchObject({ tokenHash: first?.tokenHash, attempt: 2 });
});

test('after one death the next page load tries at once; after a second it waits, and the card says so', async () => {
	await start({ lastRefreshedAt: Date.now(), accessExpiresAt: Date.now() + HOUR });
	const { updateConnection } = await load();
	await updateConnection('c1', { accessExpiresAt: Date.now() });
	await die();
	const server = rotating();
	const tending = async () => (await import('../../../sw/wallet/tend.js')).tend();
	await die();
	network(server.respond);
	await tending();
	expect(server.presented).toEqual([]);
	const { getConnection, viewConnection } = await load();
	const view = viewConnection((await getConnection('c1'))!, Date.now(), false);
	expect(view).toMatchObject({ status: 'active', problem: { error: { code: 'timeout' } } });
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
	await tending();
	expect(server.presented).toEqual(['rt-0']);
	expect(await getConnection('c1')).toMatchObject({ intent: null, problem: null, refreshToken: 'rt-1' });
});

test('an intent of an earlier version, without a hash, is tried once more like any other', async () => {
	await start({ intent: { startedAt: 1 }, lastRefreshedAt: Date.now() });
	await die();
	expect((await (await load()).getConnection('c1'))?.intent).toMatchObject({ attempt: 2 });
	const { tend } = await import('../../../sw/wallet/tend.js');
	network(() => json({ error: 'invalid_grant' }, { status: 400 }));
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR });
	for (let i = 0; i < 3; i++) await tend();
	expect(sent).toHaveLength(2);
	expect(await (await load()).getConnection('c1')).toMatchObject({ status: 'expired', intent: null });
});

test('the intent of another token is not taken for a death with this one', async () => {
	await start({ intent: { startedAt: 1, tokenHash: 'x'.repeat(43), attempt: 7 } });
	await die();
	expect(await (await load()).getConnection('c1')).toMatchObject({ intent: { attempt: 1 }, problem: null });
});

test('"Refresh Now" joins a refresh under way, and asks although a clock that was moved back says it just did', async () => {
	const { freshConnection, refreshNow } = await start({ lastRefreshedAt: Date.now() + 24 * HOUR });
	const server = rotating();
	let release = () => {};
	const released = new Promise<void>((resolve) => {
		release = resolve;
	});
	network(async (request) => {
		await released;
		return server.respond(request);
	});
	const background = freshConnection('c1');
	await vi.waitFor(() => expect(sent).toHaveLength(1));
	const both = [refreshNow('c1'), refreshNow('c1')];
	release();
	await Promise.all([background, ...both]);
	expect(server.presented).toEqual(['rt-0']);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR });
	await refreshNow('c1');
	expect(server.presented).toEqual(['rt-0', 'rt-1']);
});

test('a provider that may throttle is not asked for tokens twice in a minute: "Refresh Now" reads instead', async () => {
	const just = { lastRefreshedAt: Date.now(), accessExpiresAt: Date.now() + HOUR };
	const { getConnection, refreshNow } = await start({ ...just, provider: { name: 'Summit', vendor: 'oracle' } });
	const server = rotating();
	let status = 200;
	network((request) => (request.url.includes('/Patient/') ? json({}, { status }) : server.respond(request)));
	await refreshNow('c1');
	expect(server.presented).toEqual([]);
	// An access token that is refused is worth a request at any time.
	status = 401;
	await refreshNow('c1');
	expect(server.presented).toEqual(['rt-0']);
	expect(await getConnection('c1')).toMatchObject({ status: 'active', problem: null });
});

test('what the provider’s clock says is kept with the connection', async () => {
	const { freshConnection } = await start();
	const server = rotating();
	network(async (request) => {
		const response = await server.respond(request);
		response.headers.set('Date', new Date(Date.now() + 24 * HOUR).toUTCString());
		return response;
	});
	const { clockOffset = 0 } = await freshConnection('c1');
	expect(Math.abs(clockOffset - 24 * HOUR)).toBeLessThan(30_000);
});
