/** What had begun before "Clear All" begins no new wallet. */
import { expect, test } from 'vitest';
import { codeOf, rowsOnDisk } from '../setup.js';
import { BASE, back, custom, load, provider } from './provider.js';
import { connection } from './support.js';

const KDF = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA' } as const;
const keyOf = () =>
	crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, ['encrypt', 'decrypt']);
const backup = () => import('../../../sw/wallet/backup.js');
/** Long enough for whatever waits for no lock. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

/** Somebody else has a lock until `free`. */
function hold(name: string): () => void {
	let free = () => {};
	void navigator.locks.request(name, () => new Promise<void>((resolve) => (free = resolve)));
	return () => free();
}

test('a backup that waited for a refresh leaves no file, no pause and no key', async () => {
	const { createBackup } = await backup();
	const worker = await load();
	provider();
	await worker.addConnection(connection());
	const free = hold('refresh c1');
	const making = codeOf(createBackup({ key: await keyOf(), kdf: KDF }));
	await settled();
	await worker.clearEverything();
	free();
	expect(await making).toBe('connection_unknown');
	expect(await rowsOnDisk()).toEqual([]);
});

test('a restore that waited for a sign-in adds nothing', async () => {
	const { createBackup, backupResponse, resume, restoreBackup } = await backup();
	const worker = await load();
	provider();
	await worker.addConnection(connection());
	const { id } = await createBackup({ key: await keyOf(), kdf: KDF });
	const file = await (await backupResponse(id)).text();
	await resume();
	await worker.removeConnection('c1');
	const free = hold('connect');
	const restoring = codeOf(restoreBackup({ file, key: await keyOf() }));
	await settled();
	await worker.clearEverything();
	free();
	expect(await restoring).toBe('connection_unknown');
	expect(await rowsOnDisk()).toEqual([]);
});

test('a sign-in that waited for its turn makes no connection, and its access is ended', async () => {
	const worker = await load();
	const { revoked } = provider();
	const { url } = await worker.startConnect(custom, '/connections', null);
	const free = hold('connect');
	const arriving = worker.finishConnect(back(url));
	await settled();
	await worker.clearEverything();
	free();
	await (await arriving).rest;
	expect(await rowsOnDisk()).toEqual([]);
	expect(revoked.map(({ token }) => token)).toContain('rt-1');
});

test('a sign-in as somebody else that was about to wait for a choice does not wait any more', async () => {
	const worker = await load();
	provider();
	await worker.addConnection(connection({ fhirBaseUrl: BASE, patientId: 'other' }));
	const { currentEra } = await import('../../../sw/wallet/db.js');
	const { parkArrival } = await import('../../../sw/wallet/arrival.js');
	const beside = [{ era: currentEra() }];
	await worker.clearEverything();
	const registration = connection({ fhirBaseUrl: BASE });
	const tokens = { accessToken: 'at', accessExpiresAt: null, refreshToken: 'rt', scope: null, patient: 'p1' };
	const grant = {
		registration,
		provider: registration.provider,
		scope: '',
		sid: null,
		tokens: { ...tokens, fields: {}, clockOffset: 0 },
	};
	expect(await codeOf(parkArrival(grant, 'c1', beside))).toBe('connection_unknown');
	expect(await rowsOnDisk()).toEqual([]);
});

test.each(['add', 'cancel'] as const)('a choice (%s) that waited its turn comes to nothing', async (choice) => {
	const worker = await load();
	const { revoked } = provider();
	await worker.addConnection(connection({ fhirBaseUrl: BASE, patientId: 'other' }));
	const { url } = await worker.startConnect({ kind: 'reauthorize', connectionId: 'c1' }, '/connections', null);
	await (await worker.finishConnect(back(url))).rest;
	const waiting = await worker.otherPatient();
	const free = hold(choice === 'add' ? 'connect' : `arrival ${waiting?.id}`);
	const choosing = codeOf(worker.settle(waiting?.id ?? '', choice));
	await settled();
	await worker.clearEverything();
	free();
	expect(await choosing).toBe(choice === 'add' ? 'connection_unknown' : 'arrival_unknown');
	expect(await rowsOnDisk()).toEqual([]);
	expect(revoked.map(({ token }) => token)).toContain('rt-1');
});

test('a wallet that begins after it works as ever', async () => {
	const worker = await load();
	provider();
	await worker.addConnection(connection());
	await worker.clearEverything();
	const { url } = await worker.startConnect(custom, '/connections', null);
	await (await worker.finishConnect(back(url))).rest;
	expect(await worker.listConnections()).toMatchObject([{ refreshToken: 'rt-1' }]);
});
