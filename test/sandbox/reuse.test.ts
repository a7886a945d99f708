import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect, fhirGet, REDIRECT_URI, refresh, type TokenResponse } from './client.js';
import { type Sandbox, type SandboxOptions, startSandbox } from './server.js';

const token = { endpoint: 'token' } as const;
const rotating = ['lakeside', 'harbor', 'meridian'];
const again = (sandbox: Sandbox, id: string, tokens: TokenResponse) =>
	refresh(sandbox, id, tokens.refresh_token ?? '', { scope: tokens.scope });

function started(options: SandboxOptions): { sandbox: Sandbox } {
	const box = {} as { sandbox: Sandbox };
	beforeAll(async () => {
		box.sandbox = await startSandbox({ redirectUris: [REDIRECT_URI], recordBytes: 200_000, ...options });
	});
	beforeEach(() => box.sandbox.faults.reset());
	afterAll(() => box.sandbox.close());
	return box;
}

describe('with a grace period', () => {
	const box = started({ graceSeconds: 60, onReuse: 'revoke-family' });

	test.each(rotating)('%s answers a rotated refresh token with fresh tokens, and counts no replay', async (id) => {
		const first = await connect(box.sandbox, id);
		const lost = await again(box.sandbox, id, first);
		const retried = await again(box.sandbox, id, first);
		expect(retried.status).toBe(200);
		expect(retried.body.patient).toBe(first.patient);
		for (const { body } of [lost, retried]) {
			expect((await again(box.sandbox, id, body)).status).toBe(200);
		}
		expect(box.sandbox.faults.counts(id)).toMatchObject({ refreshes: 4, replays: 0, familiesRevoked: 0 });
	});

	test('the grace is counted from the first use, and after it the family dies', async () => {
		vi.useFakeTimers({ toFake: ['Date'] });
		try {
			const first = await connect(box.sandbox, 'harbor');
			const second = await again(box.sandbox, 'harbor', first);
			vi.setSystemTime(Date.now() + 40_000);
			expect((await again(box.sandbox, 'harbor', first)).status).toBe(200);
			vi.setSystemTime(Date.now() + 40_000);
			expect((await again(box.sandbox, 'harbor', first)).body.error).toBe('invalid_grant');
			expect((await again(box.sandbox, 'harbor', second.body)).body.error).toBe('invalid_grant');
			expect(box.sandbox.faults.counts('harbor')).toMatchObject({ refreshes: 2, familiesRevoked: 1 });
		} finally {
			vi.useRealTimers();
		}
	});
});

describe('without a grace period', () => {
	const refusing = started({ onReuse: 'refuse' });
	const revoking = started({ onReuse: 'revoke-family' });

	test.each(rotating)('%s refuses a rotated refresh token alone where reuse is refused', async (id) => {
		const { sandbox } = refusing;
		const first = await connect(sandbox, id);
		const second = await again(sandbox, id, first);
		expect((await again(sandbox, id, first)).body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, id, second.body.access_token, `Patient/${first.patient}`)).status).toBe(200);
		expect((await again(sandbox, id, second.body)).status).toBe(200);
		expect(sandbox.faults.counts(id)).toMatchObject({ refreshes: 2, replays: 1, familiesRevoked: 0 });
	});

	test.each(rotating)('%s ends the grant with every token where reuse revokes the family', async (id) => {
		const { sandbox } = revoking;
		const first = await connect(sandbox, id);
		const second = await again(sandbox, id, first);
		expect((await again(sandbox, id, first)).body.error).toBe('invalid_grant');
		expect((await again(sandbox, id, second.body)).body.error).toBe('invalid_grant');
		expect((await fhirGet(sandbox, id, second.body.access_token, `Patient/${first.patient}`)).status).toBe(401);
		expect(sandbox.faults.counts(id)).toMatchObject({ refreshes: 1, replays: 1, familiesRevoked: 1 });
	});

	test('of eight requests at once with the same refresh token one succeeds', async () => {
		const { sandbox } = refusing;
		const first = await connect(sandbox, 'harbor');
		const answers = await Promise.all(Array.from({ length: 8 }, () => again(sandbox, 'harbor', first)));
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
		expect(sandbox.faults.counts('harbor')).toMatchObject({ refreshes: 1, replays: 7, familiesRevoked: 0 });
	});

	test('what fails for another reason is no replay and costs nothing', async () => {
		const throttled = await startSandbox({
			redirectUris: [REDIRECT_URI],
			recordBytes: 200_000,
			graceSeconds: 60,
			refreshesPerMinute: 1,
		});
		const first = await connect(throttled, 'meridian');
		const second = await again(throttled, 'meridian', first);
		expect((await again(throttled, 'meridian', first)).status).toBe(429);
		expect((await refresh(throttled, 'meridian', first.refresh_token ?? '')).body.error).toBe('invalid_request');
		expect(throttled.faults.counts('meridian')).toMatchObject({ refreshes: 1, replays: 0, familiesRevoked: 0 });
		const { access_token } = second.body;
		expect((await fhirGet(throttled, 'meridian', access_token, `Patient/${first.patient}`)).status).toBe(200);
		await throttled.close();
	});

	test('a refresh token that does not rotate is never a replay', async () => {
		const { sandbox } = revoking;
		const tokens = await connect(sandbox, 'summit');
		for (let n = 0; n < 3; n++) expect((await again(sandbox, 'summit', tokens)).status).toBe(200);
		expect(sandbox.faults.counts('summit')).toMatchObject({ refreshes: 3, replays: 0 });
	});
});

describe('an answer that does not arrive', () => {
	const box = started({ onReuse: 'refuse' });

	test('dropReply handles the refresh in full and closes the connection', async () => {
		const first = await connect(box.sandbox, 'harbor');
		box.sandbox.faults.add({ match: { ...token, times: 1 }, action: { dropReply: true } });
		await expect(again(box.sandbox, 'harbor', first)).rejects.toThrow();
		expect(box.sandbox.faults.counts('harbor').refreshes).toBe(1);
		expect((await again(box.sandbox, 'harbor', first)).body.error).toBe('invalid_grant');
	});

	test('a kept answer is sent when it is released', async () => {
		const first = await connect(box.sandbox, 'harbor');
		const end = box.sandbox.faults.hold({ system: 'harbor', match: token });
		let arrived = false;
		const answer = again(box.sandbox, 'harbor', first).finally(() => {
			arrived = true;
		});
		await box.sandbox.faults.held();
		expect([arrived, box.sandbox.faults.counts('harbor').refreshes]).toEqual([false, 1]);
		end();
		box.sandbox.faults.release();
		const { status, body, headers } = await answer;
		expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*']);
		expect((await again(box.sandbox, 'harbor', body)).status).toBe(200);
	});

	test('a kept answer that nobody waits for any more is forgotten, and others are handled meanwhile', async () => {
		const { sandbox } = box;
		const [first, other] = [await connect(sandbox, 'harbor'), await connect(sandbox, 'harbor')];
		sandbox.faults.hold({ system: 'harbor', match: { ...token, nth: 1 } });
		const leave = new AbortController();
		const url = `${sandbox.origin}/harbor/oauth/token`;
		const form = { grant_type: 'refresh_token', client_id: 'satchel-harbor', refresh_token: first.refresh_token ?? '' };
		const gone = fetch(url, { method: 'POST', body: new URLSearchParams(form), signal: leave.signal });
		await sandbox.faults.held();
		expect((await again(sandbox, 'harbor', other)).status).toBe(200);
		leave.abort();
		await expect(gone).rejects.toThrow();
		sandbox.faults.release();
		expect((await again(sandbox, 'harbor', first)).body.error).toBe('invalid_grant');
	});

	test('a late answer comes after the work is done', async () => {
		const first = await connect(box.sandbox, 'harbor');
		box.sandbox.faults.add({ match: { ...token, times: 1 }, action: { replyAfterMs: 5 } });
		expect((await again(box.sandbox, 'harbor', first)).status).toBe(200);
	});
});
