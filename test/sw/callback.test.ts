import { beforeEach, expect, test, vi } from 'vitest';
import { json, kill, network, rowsOnDisk, textIn, withStore } from './setup.js';

const callback = () => import('../../sw/callback.js');
const lock = () => import('../../sw/wallet/lock.js');

let key: CryptoKey;
const exchanged: (string | null)[] = [];

beforeEach(async () => {
	const usages: KeyUsage[] = ['wrapKey', 'unwrapKey'];
	key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages);
	exchanged.length = 0;
	network(async (request) => {
		const { pathname } = new URL(request.url);
		if (pathname.endsWith('/smart-configuration'))
			return json({
				authorization_endpoint: 'https://auth.test/authorize',
				token_endpoint: 'https://auth.test/token',
			});
		if (pathname === '/token') {
			const code = new URLSearchParams(await request.text()).get('code');
			if (!code) return json({ error: 'invalid_request' }, { status: 400 });
			exchanged.push(code);
			return json({
				access_token: 'at-1',
				refresh_token: 'rt-1',
				token_type: 'Bearer',
				patient: 'p1',
				expires_in: 3600,
			});
		}
		if (pathname.includes('/Patient/')) return json({ resourceType: 'Patient', name: [{ text: 'Camila Lopez' }] });
		return new Response('', { status: 404 });
	});
});

const CODE = 'code-7f1d-very-secret';

/** A trip that comes back to a worker that was started anew and is locked. */
async function goAndComeBack(code = CODE): Promise<URLSearchParams> {
	const { startConnect } = await import('../../sw/wallet/connect.js');
	const target = { kind: 'custom', fhirBaseUrl: 'https://fhir.test/r4', clientId: 'app-1' } as const;
	const { url } = await startConnect(target, '/collect', null);
	return new URLSearchParams({ state: new URL(url).searchParams.get('state') ?? '', code });
}

async function lockedOn(): Promise<URLSearchParams> {
	await (await import('../../sw/wallet/rows.js')).commit([{ key: ['a'], value: 1 }]);
	await (await lock()).enableLock({ key, credentialId: 'Y3JlZA', salt: 'c2FsdA' });
	const answer = await goAndComeBack();
	kill();
	return answer;
}

/** What goes on behind an answer ends with its worker, and nobody need hear of that. */
async function arrived(answer: URLSearchParams) {
	const arrival = await (await callback()).arrive(answer);
	arrival.rest.catch(() => {});
	return arrival;
}

const connections = async () => (await import('../../sw/wallet/connections.js')).listConnections();
const notice = async () => (await import('../../sw/wallet/notices.js')).currentNotice();
const parked = async () =>
	(await rowsOnDisk()).filter(({ key: row }) => Array.isArray(row) && row[0] === 'parked').map(({ value }) => value);

test('without a lock a sign-in is finished at once', async () => {
	const { returnTo, rest } = await arrived(await goAndComeBack());
	await rest;
	expect(returnTo).toBe('/collect');
	expect(await connections()).toHaveLength(1);
	expect(await (await callback()).finishParked()).toMatchObject({ goTo: null });
});

test('a sign-in that comes back to a locked wallet waits and is finished once it is unlocked', async () => {
	const answer = await lockedOn();
	expect((await arrived(answer)).returnTo).toBe('/connections');
	expect(exchanged).toEqual([]);
	// The next worker knows of it as well.
	kill();
	await (await lock()).unlock(key);
	const { goTo, rest } = await (await callback()).finishParked();
	await rest;
	expect(goTo).toBe('/collect');
	expect(exchanged).toEqual([CODE]);
	expect(await connections()).toMatchObject([{ accessToken: 'at-1', patient: { name: 'Camila Lopez' } }]);
	expect(await notice()).toMatchObject({ kind: 'connected' });
	expect(await parked()).toEqual([]);
	expect((await (await callback()).finishParked()).goTo).toBeNull();
});

test('neither code nor state of a parked answer is legible on disk', async () => {
	const answer = await lockedOn();
	await arrived(answer);
	const rows = await parked();
	expect(rows).toHaveLength(1);
	expect(rows[0]).toMatchObject({ key: { extractable: false } });
	const text = (await rowsOnDisk()).map(({ key: row, value }) => `${JSON.stringify(row)} ${textIn(value)}`).join('\n');
	for (const hidden of [CODE, answer.get('state')!]) expect(text).not.toContain(hidden);
});

test('a reload of the callback parks one answer, and it is used once', async () => {
	const answer = await lockedOn();
	const { arrive, finishParked } = await callback();
	await Promise.all([arrive(answer), arrive(answer)]);
	await arrive(answer);
	expect(await parked()).toHaveLength(1);
	await (await lock()).unlock(key);
	const both = await Promise.all([finishParked(), finishParked()]);
	expect(both.map(({ goTo }) => goTo).filter(Boolean)).toEqual(['/collect']);
	expect(exchanged).toEqual([CODE]);
	expect(await notice()).toMatchObject({ kind: 'connected' });
});

test('an answer that waited for longer than a code lives is not used any more', async () => {
	const answer = await lockedOn();
	await arrived(answer);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
	await (await lock()).unlock(key);
	expect((await (await callback()).finishParked()).goTo).toBeNull();
	expect(exchanged).toEqual([]);
	expect(await parked()).toEqual([]);
});

test('an answer that waited for too long is deleted also while the wallet stays locked, and no other', async () => {
	const answer = await lockedOn();
	await arrived(answer);
	const { tendAll } = await import('../../sw/tend.js');
	await tendAll();
	expect(await parked()).toHaveLength(1);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
	await tendAll();
	expect(await parked()).toEqual([]);
	expect(await (await lock()).lockState()).toBe('locked');
});

test('each of several trips has its answer kept, and all are finished', async () => {
	const answers = [await lockedOn()];
	await (await lock()).unlock(key);
	for (let n = 1; n < 12; n++) answers.push(await goAndComeBack(`code-${n}`));
	kill();
	for (const answer of answers) await arrived(answer);
	expect(await parked()).toHaveLength(12);
	await (await lock()).unlock(key);
	await (await (await callback()).finishParked()).rest;
	expect(exchanged.toSorted()).toEqual([CODE, ...Array.from({ length: 11 }, (_, n) => `code-${n + 1}`)].toSorted());
});

test('a parked answer that does not open keeps neither the wallet nor the other sign-ins closed', async () => {
	const answer = await lockedOn();
	await arrived(answer);
	const [whole] = (await parked()) as { sealed: { data: ArrayBuffer } }[];
	const broken = structuredClone(whole!);
	new Uint8Array(broken.sealed.data)[0]! ^= 1;
	// Before and after the one that opens.
	for (const place of ['', '~'])
		await withStore('readwrite', async (store) => void store.put(broken, ['parked', place]));
	await (await lock()).unlock(key);
	await (await (await callback()).finishParked()).rest;
	expect(exchanged).toEqual([CODE]);
	expect(await connections()).toMatchObject([{ accessToken: 'at-1' }]);
	expect(await parked()).toEqual([]);
});

test('the lock waits for a sign-in that is being finished', async () => {
	const { commit } = await import('../../sw/wallet/rows.js');
	await commit([{ key: ['a'], value: 1 }]);
	const { enableLock, lockNow } = await lock();
	await enableLock({ key, credentialId: 'Y3JlZA', salt: 'c2FsdA' });
	const answer = await goAndComeBack();
	const arriving = (await callback()).arrive(answer);
	await lockNow();
	// What the redirect does not wait for may come too late.
	await (await arriving).rest.catch(() => {});
	kill();
	await (await lock()).unlock(key);
	expect(await connections()).toMatchObject([{ refreshToken: 'rt-1' }]);
});

const madeUp = () =>
	new URLSearchParams({
		state: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
		code: 'x',
	});

test('answers that nobody waits for take neither the place, the notice nor the way back of the real one', async () => {
	const answer = await lockedOn();
	const { arrive, finishParked } = await callback();
	for (let n = 0; n < 10; n++) await arrive(madeUp());
	for (const state of ['', 'short', '%', 'ä'.repeat(43)]) await arrive(new URLSearchParams({ state, code: 'x' }));
	expect(await parked()).toEqual([]);
	await arrive(answer);
	for (let n = 0; n < 10; n++) await arrive(madeUp());
	await (await lock()).unlock(key);
	const { goTo, rest } = await finishParked();
	await rest;
	expect(goTo).toBe('/collect');
	expect(await connections()).toHaveLength(1);
	expect(await notice()).toMatchObject({ kind: 'connected' });
});
