import { expect, onTestFinished, test, vi } from 'vitest';
import type { Job } from '../../sw/jobs/job.js';
import { kill, network, rowsOnDisk, sent } from './setup.js';
import { connection } from './wallet/support.js';

async function load() {
	const { commit } = await import('../../sw/wallet/rows.js');
	const addJob = (added: Job) => commit([{ key: ['job', added.id], expect: 0, value: added }]);
	return {
		addJob,
		...(await import('../../sw/overview.js')),
		...(await import('../../sw/leave.js')),
		...(await import('../../sw/wallet/remove.js')),
		...(await import('../../sw/tend.js')),
		...(await import('../../sw/jobs/store.js')),
		...(await import('../../sw/wallet/connections.js')),
		...(await import('../../sw/jobs/job.js')),
	};
}

const job = (id: string, change: Partial<Job> = {}): Job => ({
	id,
	kind: 'collect',
	sid: null,
	status: 'done',
	error: null,
	sources: [],
	afterwards: 'keep',
	manifest: null,
	delivered: false,
	rests: 0,
	parts: { sealed: 0, sent: 0 },
	sealed: { bytes: 0, sentBytes: 0 },
	startedAt: Date.now(),
	finishedAt: Date.now(),
	...change,
});

test('shown are jobs that are not over, and collections whose result is still here', async () => {
	const { addJob, overview } = await load();
	await addJob(job('collected'));
	await addJob(job('sent', { kind: 'send' }));
	await addJob(job('waiting', { kind: 'send', status: 'waiting', finishedAt: null }));
	expect((await overview()).jobs.map(({ id }) => id).sort()).toEqual(['collected', 'waiting']);
});

test('a job that ended is forgotten after a day, one that goes on never', async () => {
	const { addJob, listJobs, tendAll } = await load();
	await addJob(job('collected'));
	await addJob(job('failed', { status: 'failed' }));
	await addJob(job('running', { status: 'running', finishedAt: null }));
	await tendAll();
	expect(await listJobs()).toHaveLength(3);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3_600_000 });
	await tendAll();
	expect((await listJobs()).map(({ id }) => id)).toEqual(['running']);
});

test('a connection is deleted whatever its provider answers to the revocation', async () => {
	for (const answer of [200, 400, 503, 'down'] as const) {
		const { addConnection, removeConnection, listConnections } = await load();
		await addConnection(connection());
		sent.length = 0;
		network(() => {
			if (answer === 'down') throw new TypeError('down');
			return new Response(null, { status: answer });
		});
		await removeConnection('c1');
		expect(sent[0]?.url).toBe('https://auth.test/revoke');
		expect(await listConnections()).toEqual([]);
		kill();
	}
});

test('clearing everything leaves no row, the key included, and revokes what was there', async () => {
	const { addConnection, addJob, clearEverything, overview } = await load();
	await addConnection(connection());
	await addJob(job('collected'));
	network(() => new Response());
	await clearEverything();
	expect(sent.map(({ url }) => url)).toEqual(['https://auth.test/revoke']);
	expect(await rowsOnDisk()).toEqual([]);
	expect(await overview()).toMatchObject({ connections: [], jobs: [] });
	await addConnection(connection());
	kill();
	expect(await (await load()).listConnections()).toHaveLength(1);
});

test('a view of a connection shows the host and the person, and nothing to sign in with', async () => {
	const { addConnection, viewOne } = await load();
	await addConnection(
		connection({ patient: { name: 'Camila Lopez', birthDate: '1987-09-12' }, accessToken: 'SECRET' }),
	);
	const view = await viewOne('c1');
	expect(view).toMatchObject({
		host: 'fhir.test',
		providerName: 'Lakeside',
		patient: { name: 'Camila Lopez' },
		renewable: true,
	});
	expect(JSON.stringify(view)).not.toMatch(/SECRET|rt-0|"p1"|satchel-client/);
});

test('locking leaves the badge as it was, and clearing everything takes it away', async () => {
	const badges: (number | null)[] = [];
	Object.assign(navigator, {
		setAppBadge: async (count: number) => void badges.push(count),
		clearAppBadge: async () => void badges.push(null),
	});
	onTestFinished(() => {
		Object.assign(navigator, { setAppBadge: undefined, clearAppBadge: undefined });
	});
	const { addConnection, announce, clearEverything, overview } = await load();
	await addConnection(connection({ status: 'expired' }));
	await announce();
	const { enableLock, lockNow } = await import('../../sw/wallet/lock.js');
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
	await enableLock({ key, credentialId: 'credential', salt: 'salt' });
	await lockNow();
	await announce();
	expect(await overview()).toMatchObject({ lock: 'locked', connections: [] });
	expect(badges).toEqual([1]);
	network(() => new Response());
	await clearEverything();
	expect(badges).toEqual([1, null]);
});
