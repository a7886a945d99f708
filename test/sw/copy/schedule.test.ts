import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { isDue } from '../../../sw/copy/schedule.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { signIn } from '../jobs/world.js';
import { kill, ORIGIN, setOnline } from '../setup.js';
import { keep, load } from './world.js';

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;
const tried = (hoursAgo: number, ...statuses: string[]) =>
	statuses.map((status, i) => ({ at: NOW - (hoursAgo + i) * HOUR, status }));

describe('a reading is due', () => {
	test.each([
		['off', tried(1000, 'ok'), false],
		['hourly', [], true],
		['hourly', tried(0.5, 'ok'), false],
		['hourly', tried(1, 'ok'), true],
		['daily', tried(23, 'partial'), false],
		['daily', tried(24, 'partial'), true],
		['weekly', tried(24 * 6, 'ok'), false],
		['weekly', tried(24 * 7, 'ok'), true],
		['hourly', tried(1.5, 'failed', 'ok'), false],
		['hourly', tried(2, 'failed', 'ok'), true],
		['hourly', tried(3, 'failed', 'failed', 'ok'), false],
		['hourly', tried(23, ...Array<string>(20).fill('failed')), false],
		['hourly', tried(24, ...Array<string>(20).fill('failed')), true],
		['weekly', tried(24 * 7, 'failed', 'failed'), true],
		['daily', tried(-5, 'ok'), true],
	] as const)('%s, after %j: %s', (schedule, history, due) => {
		expect(isDue(schedule, history, NOW)).toBe(due);
	});
});

describe('with a schedule', () => {
	let sandbox: Sandbox;
	beforeAll(async () => {
		sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 100_000 });
	});
	afterAll(() => sandbox.close());
	beforeEach(() => sandbox.faults.reset());

	const later = (ms: number) => vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms);
	const keeps = async () => (await (await load()).listJobs()).filter(({ kind }) => kind === 'keep');

	test('it is off, and a session offers to fetch, until the person chooses', async () => {
		const worker = await load();
		expect(await worker.getCollecting()).toEqual({ prefer: 'fetch', schedule: 'off' });
		await worker.setCollecting({ prefer: 'copy', schedule: 'weekly' });
		expect(await (await load()).getCollecting()).toEqual({ prefer: 'copy', schedule: 'weekly' });
	});

	test('a page load starts what is due, one at a time, and the page runs it', async () => {
		const worker = await keep(sandbox, 'harbor');
		await signIn(sandbox, 'summit');
		await worker.setKeep('summit', true);
		await worker.runSlice((await worker.startKeep('summit')).id);
		const { tendAll } = await import('../../../sw/tend.js');
		await worker.setCollecting({ prefer: 'fetch', schedule: 'daily' });
		await tendAll();
		expect(await keeps()).toEqual([]);
		const clock = later(25 * HOUR);
		expect(await worker.startDue(Date.now())).toBe(true);
		expect(await worker.startDue(Date.now())).toBe(false);
		expect(await keeps()).toMatchObject([{ sources: [{ connectionId: 'harbor' }] }]);
		expect((await worker.overview()).jobs).toMatchObject([{ kind: 'keep', status: 'running' }]);
		clock.mockRestore();
	});

	test('nothing is started offline, while a backup has paused renewing, or where access has ended', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.setCollecting({ prefer: 'fetch', schedule: 'hourly' });
		const soon = Date.now() + 2 * HOUR;
		setOnline(false);
		expect(await worker.startDue(soon)).toBe(false);
		setOnline(true);
		const { commit } = await import('../../../sw/wallet/rows.js');
		await commit([{ key: ['paused'], value: { since: Date.now() } }]);
		expect(await worker.startDue(soon)).toBe(false);
		await commit([{ key: ['paused'], remove: true }]);
		await worker.updateConnection('harbor', { status: 'expired' });
		expect(await worker.startDue(soon)).toBe(false);
		await worker.updateConnection('harbor', { status: 'active' });
		expect(await worker.startDue(soon)).toBe(true);
	});

	test('a periodic sync without a page brings copies up to date by itself', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.setCollecting({ prefer: 'fetch', schedule: 'hourly' });
		const { update } = await import('../../../sw/wallet/rows.js');
		await update<{ entries: { at: number }[] }>(worker.historyKey('harbor'), ({ entries }) => ({
			entries: entries.map((entry) => ({ ...entry, at: entry.at - 2 * HOUR })),
		}));
		await (await import('../../../sw/periodic.js')).tendAndRemind();
		expect(await keeps()).toEqual([]);
		expect((await worker.copyDetail('harbor')).history).toHaveLength(2);
	});

	test('a periodic sync ends although a provider is out, and goes on with the reading another time', async () => {
		const worker = await keep(sandbox, 'harbor');
		await worker.setCollecting({ prefer: 'fetch', schedule: 'hourly' });
		await worker.updateConnection('harbor', { accessExpiresAt: 0 });
		sandbox.faults.add({ system: 'harbor', match: { endpoint: 'token' }, action: { status: 503 } });
		await worker.startKeep('harbor');
		// The next one knows no access token that is still good.
		kill();
		await (await import('../../../sw/periodic.js')).tendAndRemind();
		expect(await keeps()).toMatchObject([{ status: 'waiting' }]);
	});
});
