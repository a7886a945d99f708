import { expect, test, vi } from 'vitest';
import { closeSession } from '../../../relay/agent/session.js';
import { startRelay } from '../relay.js';
import { codeOf, kill, network, rowsOnDisk, sent, setOnline, textIn } from '../setup.js';

const load = () => import('../../../sw/session/session.js');
const sessionRows = async () => (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'session');
const claims = () => sent.filter(({ url }) => url.endsWith('/claim'));

test('opening a link reads the request, claims the session and shows the agent’s code', async () => {
	const relay = await startRelay();
	const { sid, fragment, code } = await relay.ask({ wants: ['Observation'] });
	network(relay.respond);
	const { openSession, viewSession } = await load();
	const session = await openSession(sid, fragment);
	expect(viewSession(session, null, Date.now())).toMatchObject({
		who: 'Helper',
		why: 'To prepare a visit',
		wants: ['Observation'],
		code,
		state: 'open',
		include: [],
		afterwards: null,
	});
	expect(JSON.stringify(viewSession(session, null, 0))).not.toContain(fragment.split('.')[2]);
});

test('the link’s secret is in no request and not on disk in plaintext', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(relay.respond);
	await (await load()).openSession(sid, fragment);
	const [, pk = '', secret = ''] = fragment.split('.');
	const all = sent.map(({ url, headers, body }) => `${url} ${JSON.stringify([...headers])} ${body}`).join('\n');
	const disk = (await rowsOnDisk()).map(({ value }) => textIn(value)).join('\n');
	for (const hidden of [secret, pk]) {
		expect(all).not.toContain(hidden);
		expect(disk).not.toContain(hidden);
	}
	for (const { url } of sent) expect(new URL(url).search).toBe('');
});

test('the owner’s token is on disk before the claim leaves', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	const { openSession, getSession } = await load();
	let owner: string | undefined;
	network(async (request) => {
		if (request.url.endsWith('/claim')) owner = (await getSession(sid)).secrets?.owner;
		return relay.respond(request);
	});
	const session = await openSession(sid, fragment);
	expect(owner).toBe(session.secrets?.owner);
	expect(owner).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('a worker that dies during the claim claims again with the same token', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	const { openSession } = await load();
	await new Promise<void>((dead) => {
		network(async (request) => {
			const response = await relay.respond(request);
			if (request.url.endsWith('/claim')) {
				kill();
				dead();
			}
			return response;
		});
		openSession(sid, fragment).catch(() => {});
	});
	network(relay.respond);
	const again = await (await load()).openSession(sid, null);
	expect(again.claimed).toBe(true);
	expect(claims().map(({ body }) => body)).toEqual([claims()[0]?.body, claims()[0]?.body]);
});

test('opening again, in another tab or later, keeps what was chosen and claims no second time', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(relay.respond);
	const { openSession, updateSession } = await load();
	const [a, b] = await Promise.all([openSession(sid, fragment), openSession(sid, fragment)]);
	expect(a.secrets?.owner).toBe(b.secrets?.owner);
	await updateSession(sid, { include: ['c1'], afterwards: 'clear' });
	sent.length = 0;
	expect(await openSession(sid, fragment)).toMatchObject({ include: ['c1'], afterwards: 'clear' });
	expect(claims()).toHaveLength(0);
});

test('a link that somebody else claimed is refused, and nothing is kept of it', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(relay.respond);
	await (await load()).openSession(sid, fragment);
	// Another browser: another disk.
	const { destroy } = await import('../../../sw/wallet/db.js');
	await destroy();
	kill();
	expect(await codeOf((await load()).openSession(sid, fragment))).toBe('already_claimed');
	expect(await sessionRows()).toEqual([]);
});

test('a session that ended, or never was, is refused, and nothing is kept of it', async () => {
	const relay = await startRelay();
	const ended = await relay.ask();
	await closeSession(ended.session, relay.world);
	network(relay.respond);
	const { openSession } = await load();
	expect(await codeOf(openSession(ended.sid, ended.fragment))).toBe('session_gone');
	expect(await codeOf(openSession('B'.repeat(21).concat('A'), ended.fragment))).toBe('session_not_found');
	expect(await sessionRows()).toEqual([]);
});

test.each([
	['', 'link_incomplete'],
	['#', 'link_incomplete'],
	['#1', 'link_incomplete'],
	[`#1.${'B'.repeat(42)}A`, 'link_incomplete'],
	[`#2.${'B'.repeat(42)}A.${'C'.repeat(42)}A`, 'link_version'],
	[`#1.${'B'.repeat(10)}.${'C'.repeat(42)}A`, 'link_invalid'],
	[`#1.${'B'.repeat(42)}A.${'C'.repeat(42)}A.more`, 'link_invalid'],
	[`#1.${'A'.repeat(43)}.${'C'.repeat(42)}A`, 'link_key'],
	[`#1.${'B'.repeat(42)}A.${'A'.repeat(43)}`, 'link_key'],
])('a link with the fragment %j is refused without a request', async (fragment, code) => {
	expect(await codeOf((await load()).openSession('AAAAAAAAAAAAAAAAAAAAAA', fragment))).toBe(code);
	expect(sent).toHaveLength(0);
	expect(await sessionRows()).toEqual([]);
});

test('a path without its fragment is incomplete where the session is not known', async () => {
	expect(await codeOf((await load()).openSession('AAAAAAAAAAAAAAAAAAAAAA', null))).toBe('link_incomplete');
});

test('a link with another secret cannot look at the session', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(relay.respond);
	const other = fragment.replace(/\.[^.]+$/, `.${'C'.repeat(42)}A`);
	expect(await codeOf((await load()).openSession(sid, other))).toBe('session_not_found');
});

test('a request that was altered is refused before anything is claimed', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(async (request) => {
		const response = await relay.respond(request);
		if (request.method !== 'GET') return response;
		const info = (await response.json()) as { request: string };
		return Response.json({ ...info, request: `${info.request.slice(0, -4)}AAAA` });
	});
	expect(await codeOf((await load()).openSession(sid, fragment))).toBe('request_invalid');
	expect(claims()).toEqual([]);
	expect(await sessionRows()).toEqual([]);
});

test('without a network a first opening fails and can be tried again; a second one shows what is known', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	const { openSession } = await load();
	network(relay.respond);
	setOnline(false);
	expect(await codeOf(openSession(sid, fragment))).toBe('offline');
	setOnline(true);
	expect((await openSession(sid, null)).claimed).toBe(true);
	setOnline(false);
	expect(await openSession(sid, null)).toMatchObject({ state: 'open', request: { who: 'Helper' } });
});

test('a session that its agent ended is shown as gone, and its secrets are wiped', async () => {
	const relay = await startRelay();
	const { session, sid, fragment } = await relay.ask();
	network(relay.respond);
	const { openSession } = await load();
	await openSession(sid, fragment);
	await closeSession(session, relay.world);
	expect(await openSession(sid, null)).toMatchObject({ state: 'gone', secrets: null, request: { who: 'Helper' } });
	sent.length = 0;
	expect((await openSession(sid, fragment)).state).toBe('gone');
	expect(sent).toEqual([]);
});

test('a send that finishes while the page asks, and that the agent then ends, stays sent', async () => {
	const relay = await startRelay();
	const { session, sid, fragment } = await relay.ask();
	network(relay.respond);
	const { openSession, updateSession } = await load();
	await openSession(sid, fragment);
	network(async (request) => {
		await updateSession(sid, { state: 'sent', secrets: null });
		await closeSession(session, relay.world);
		return relay.respond(request);
	});
	expect((await openSession(sid, null)).state).toBe('sent');
});

test('a session that was sent to by somebody else says so', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	network(async (request) => {
		const response = await relay.respond(request);
		return request.method === 'GET'
			? Response.json({ ...((await response.json()) as object), state: 'sent' })
			: response;
	});
	expect(await codeOf((await load()).openSession(sid, fragment))).toBe('already_sent');
	expect(await sessionRows()).toEqual([]);
});

test('a disk that is full after the claim does not lock the person out', async () => {
	const relay = await startRelay();
	const { sid, fragment } = await relay.ask();
	const { openSession } = await load();
	const put = vi.spyOn(IDBObjectStore.prototype, 'put');
	network(async (request) => {
		const response = await relay.respond(request);
		if (request.url.endsWith('/claim'))
			put.mockImplementation(() => {
				throw new DOMException('full', 'QuotaExceededError');
			});
		return response;
	});
	await expect(openSession(sid, fragment)).rejects.toMatchObject({ name: 'QuotaExceededError' });
	put.mockRestore();
	network(relay.respond);
	expect((await openSession(sid, fragment)).claimed).toBe(true);
});

test('sessions are forgotten a day after their end, claimed or not', async () => {
	const relay = await startRelay();
	const [claimed, unclaimed] = [await relay.ask(), await relay.ask()];
	const { openSession, settleOldSessions } = await load();
	network(relay.respond);
	await openSession(claimed.sid, claimed.fragment);
	setOnline(false);
	await codeOf(openSession(unclaimed.sid, unclaimed.fragment));
	expect(await settleOldSessions(Date.now())).toEqual([]);
	const gone = await settleOldSessions(Date.now() + 26 * 3_600_000);
	expect(gone.sort()).toEqual([claimed.sid, unclaimed.sid].sort());
	expect(await sessionRows()).toEqual([]);
});
