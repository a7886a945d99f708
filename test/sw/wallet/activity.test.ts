import { expect, test, vi } from 'vitest';
import type { Happening } from '../../../sw/wallet/activity.js';
import { codeOf, kill, killAfter, rowsOnDisk, textIn } from '../setup.js';
import { connection } from './support.js';

async function load() {
	return {
		...(await import('../../../sw/wallet/activity.js')),
		...(await import('../../../sw/wallet/connections.js')),
		...(await import('../../../sw/leave.js')),
	};
}

/** A wallet in use: nothing is noted in one that was never begun, or cleared. */
async function begun() {
	const worker = await load();
	await worker.addConnection(connection());
	return worker;
}

const at = (id: string, more: Partial<Happening> = {}): Happening => ({
	what: 'refreshed',
	connectionId: id,
	providerName: `Provider ${id}`,
	...more,
});

test('the newest comes first, a page at a time, and nothing is shown twice though more happens meanwhile', async () => {
	const { record, listActivity } = await begun();
	for (let n = 1; n <= 7; n++) await record({ what: 'connected', connectionId: `c${n}` });
	const first = await listActivity(null, 3);
	expect(first.entries.map(({ connectionId }) => connectionId)).toEqual(['c7', 'c6', 'c5']);
	expect(first.more).toBe(true);
	await record({ what: 'removed', connectionId: 'c7' });
	const second = await listActivity(first.entries.at(-1)?.id ?? '', 3);
	expect(second.entries.map(({ connectionId }) => connectionId)).toEqual(['c4', 'c3', 'c2']);
	const third = await listActivity(second.entries.at(-1)?.id ?? '', 3);
	expect(third).toMatchObject({ entries: [{ connectionId: 'c1' }], more: false });
});

test('what is left out is null, empty and now; what is not part of an entry is not kept', async () => {
	vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
	const { record, listActivity } = await begun();
	const kinds = [{ type: 'Observation', count: 3, firstId: 'secret' }];
	await record({ what: 'sent', kinds });
	expect((await listActivity(null, 10)).entries).toEqual([
		{
			id: '1',
			at: 1_700_000_000_000,
			times: 1,
			what: 'sent',
			providerName: null,
			connectionId: null,
			code: null,
			to: null,
			kinds: [{ type: 'Observation', count: 3 }],
		},
	]);
});

test('refreshes in a row are one entry, also between those of another connection', async () => {
	const { record, listActivity } = await begun();
	for (const [id, time] of [
		['a', 1],
		['b', 2],
		['a', 3],
		['b', 4],
		['a', 5],
	] as const) {
		await record(at(id, { at: time }));
	}
	expect((await listActivity(null, 10)).entries).toMatchObject([
		{ connectionId: 'a', times: 3, at: 5 },
		{ connectionId: 'b', times: 2, at: 4 },
	]);
});

test('another code, or anything else about this connection in between, begins a new entry', async () => {
	const { record, listActivity } = await begun();
	const failed = (code: 'timeout' | 'network') => at('a', { what: 'refresh_failed', code });
	for (const one of [failed('timeout'), failed('timeout'), failed('network'), at('a'), failed('network')]) {
		await record(one);
	}
	await record(at('a', { what: 'reauthorized' }));
	await record(at('a', { what: 'reauthorized' }));
	expect((await listActivity(null, 10)).entries.map(({ what, code, times }) => [what, code, times])).toEqual([
		['reauthorized', null, 1],
		['reauthorized', null, 1],
		['refresh_failed', 'network', 1],
		['refreshed', null, 1],
		['refresh_failed', 'network', 1],
		['refresh_failed', 'timeout', 2],
	]);
});

test('the log has an upper limit, and the oldest entries go', async () => {
	const { record, listActivity, MOST_ENTRIES } = await begun();
	const all: Promise<void>[] = [];
	for (let n = 0; n < MOST_ENTRIES + 5; n++) all.push(record({ what: 'connected', connectionId: `c${n}` }));
	await Promise.all(all);
	const { entries, more } = await listActivity(null, MOST_ENTRIES * 2);
	expect(more).toBe(false);
	expect(entries).toHaveLength(MOST_ENTRIES);
	expect(entries.at(-1)?.connectionId).toBe('c5');
	// A page that was read before the oldest went goes on with what is left of them.
	expect(await listActivity('3', 10)).toEqual({ entries: [], more: false });
});

test('two workers that write at the same time lose nothing and count right', async () => {
	const one = await begun();
	vi.resetModules();
	const two = await load();
	expect(two.record).not.toBe(one.record);
	const all: Promise<void>[] = [];
	for (let n = 0; n < 20; n++) {
		const worker = n % 2 ? one : two;
		all.push(worker.record(at('a')), worker.record({ what: 'connected', connectionId: `c${n}` }));
	}
	await Promise.all(all);
	const { entries } = await one.listActivity(null, 100);
	expect(entries.filter(({ what }) => what === 'connected')).toHaveLength(20);
	expect(entries.find(({ what }) => what === 'refreshed')?.times).toBe(20);
	expect(new Set(entries.map(({ id }) => id)).size).toBe(21);
});

test('an event told again after a worker’s death is noted once', async () => {
	const first = await begun();
	await first.record({ what: 'sent', once: 'job 1' });
	kill();
	const second = await load();
	await second.record({ what: 'sent', once: 'job 1' });
	await second.record({ what: 'sent', once: 'job 2' });
	const { entries } = await second.listActivity(null, 10);
	expect(entries).toHaveLength(2);
	expect(entries[0]).not.toHaveProperty('once');
});

test('a death at any moment of a note leaves the log readable, with the note or without it', async () => {
	await begun();
	let deaths = 0;
	for (let operations = 0; ; operations++) {
		const worker = await load();
		const before = (await worker.listActivity(null, 100)).entries.length;
		const died = killAfter(operations);
		const ended = await Promise.race([died, worker.record({ what: 'connected' }).then(() => 'done')]);
		// What a death cut short counts as done to who records: whether it died is seen by its next operation.
		const alive = ended === 'done' && (await codeOf(worker.listActivity(null, 100))) === undefined;
		kill();
		const { entries } = await (await load()).listActivity(null, 100);
		expect(entries.length - before, `after ${operations}`).toBeGreaterThanOrEqual(alive ? 1 : 0);
		expect(entries.length - before, `after ${operations}`).toBeLessThanOrEqual(1);
		if (alive) break;
		deaths++;
	}
	expect(deaths).toBeGreaterThan(2);
});

test('noting never throws: what cannot be written is not noted', async () => {
	const { record, listActivity } = await begun();
	const encrypt = vi
		.spyOn(crypto.subtle, 'encrypt')
		.mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
	await expect(record({ what: 'connected' })).resolves.toBeUndefined();
	expect(encrypt).toHaveBeenCalled();
	await record({ what: 'removed' });
	expect((await listActivity(null, 10)).entries.map(({ what }) => what)).toEqual(['removed']);
});

test('what ends after everything was cleared begins no new wallet to be noted in', async () => {
	const { record, clearEverything } = await begun();
	await record(at('a'));
	await clearEverything();
	await record(at('a', { what: 'removed' }));
	expect(await rowsOnDisk()).toEqual([]);
});

test('nothing of it lies in the open', async () => {
	const { record } = await begun();
	await record(at('c-secret', { providerName: 'Lakeside Clinic', to: 'My assistant', what: 'sent' }));
	const rows = (await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'activity');
	expect(rows).toHaveLength(1);
	expect(textIn(rows)).not.toMatch(/Lakeside|assistant|c-secret|sent/);
});

test('a locked wallet notes nothing and says so only to who reads; unlocked, it goes on', async () => {
	const { record, listActivity } = await begun();
	const { enableLock, lockNow, unlock } = await import('../../../sw/wallet/lock.js');
	await record(at('a'));
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
	await enableLock({ key, credentialId: 'credential', salt: 'salt' });
	await lockNow();
	await expect(record({ what: 'removed' })).resolves.toBeUndefined();
	expect(await codeOf(listActivity(null, 10))).toBe('locked');
	await unlock(key);
	await record({ what: 'resumed' });
	expect((await listActivity(null, 10)).entries.map(({ what }) => what)).toEqual(['resumed', 'lock_on', 'refreshed']);
});
