/** What a file may do to connections that are here, and what a file that somebody made up may hold. */
import { CompactEncrypt } from 'jose';
import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { codeOf } from '../setup.js';
import { BASE, back, load as loadWorker, provider } from './provider.js';
import { connection } from './support.js';

const KDF = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA' } as const;
const HEADER = { alg: 'dir', enc: 'A256GCM', typ: 'satchel-backup+jwe', version: 1, createdAt: 1, kdf: KDF };
const keyOf = () =>
	crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, ['encrypt', 'decrypt']);

async function load() {
	return { ...(await loadWorker()), ...(await import('../../../sw/wallet/backup.js')) };
}

/** A file of entries as a connection gives them, each changed. */
async function fileOf(...changes: object[]): Promise<{ file: string; key: CryptoKey }> {
	const { provider, fhirBaseUrl, clientId, config, patientId } = connection();
	const entry = { provider, fhirBaseUrl, clientId, config, patientId, patient: null, scope: '' };
	const rest = { connectedAt: 1, lastRefreshedAt: 1, expiry: { kind: 'unknown' } };
	const access = { kind: 'refresh', token: 'rt-file' };
	const contents = { connections: changes.map((change) => ({ ...entry, ...rest, access, ...change })) };
	const key = await keyOf();
	const octets = new TextEncoder().encode(JSON.stringify(contents));
	return { key, file: await new CompactEncrypt(octets).setProtectedHeader(HEADER).encrypt(key) };
}

const told = (all: Connection[]) => all.map(({ id, status, refreshToken }) => [id, status, refreshToken]);

test.each([0, 1, 2])(
	'a sign-in that repairs a connection at reading %i of a restore is not overwritten by the file',
	async (n) => {
		const worker = await load();
		provider();
		await worker.addConnection(connection({ id: 'c1', fhirBaseUrl: BASE, patientId: 'other' }));
		await worker.addConnection(connection({ id: 'c2', fhirBaseUrl: BASE, status: 'expired', refreshToken: 'rt-old' }));
		const { url } = await worker.startConnect({ kind: 'reauthorize', connectionId: 'c1' }, '/connections', null);
		await (await worker.finishConnect(back(url))).rest;
		const waiting = await worker.otherPatient();
		let free = () => {};
		void navigator.locks.request('refresh c2', () => new Promise<void>((resolve) => (free = resolve)));
		// Has let go of `connect` and waits for the connection's own lock.
		const choosing = worker.settle(waiting?.id ?? '', 'add');
		await new Promise((resolve) => setTimeout(resolve, 60));
		const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
		let seen = 0;
		// The restore has just read the connection, as one that has ended.
		const spy = vi.spyOn(crypto.subtle, 'decrypt').mockImplementation(async (...given) => {
			const octets = await decrypt(...given);
			if (new TextDecoder().decode(octets).includes('"id":"c2"') && seen++ === n) {
				free();
				await choosing;
			}
			return octets;
		});
		await worker.restoreBackup(await fileOf({ fhirBaseUrl: BASE }));
		spy.mockRestore();
		expect(seen).toBeGreaterThan(n);
		expect(told(await worker.listConnections())).toContainEqual(['c2', 'active', 'rt-1']);
	},
);

test('the same server written otherwise is the same server', async () => {
	const worker = await load();
	const { fhirBaseUrl } = connection();
	await worker.addConnection(connection({ refreshToken: 'rt-own' }));
	for (const [n, base] of [`HTTPS://${fhirBaseUrl.slice(8)}`, `${fhirBaseUrl}/`, `${fhirBaseUrl}?x=#`].entries())
		await worker.restoreBackup(await fileOf({ fhirBaseUrl: base, access: { kind: 'refresh', token: `rt-${n}` } }));
	expect(told(await worker.listConnections())).toEqual([['c1', 'active', 'rt-own']]);
});

test('a token that is here already, or in the file before, makes no second connection', async () => {
	const worker = await load();
	await worker.addConnection(connection({ refreshToken: 'rt-own', accessToken: 'at-own' }));
	await worker.restoreBackup(
		await fileOf(
			{ patientId: 'p2', access: { kind: 'refresh', token: 'rt-own' } },
			{ patientId: 'p3', access: { kind: 'access', token: 'at-own', until: null } },
			{ patientId: 'p4' },
			{ patientId: 'p5' },
			{ patientId: 'p6', access: null },
			{ patientId: 'p7', access: null },
		),
	);
	const patients = (await worker.listConnections()).map(({ patientId }) => patientId).sort();
	expect(patients).toEqual(['p1', 'p4', 'p6', 'p7']);
});

test.each([
	['a name too long to be copied into the activity', { provider: { name: 'x'.repeat(1_500_000) } }],
	['a vendor that no table could have', { provider: { name: 'Lakeside', vendor: 'x'.repeat(41) } }],
	['a patient’s name that no screen could show', { patient: { name: 'x'.repeat(501) } }],
	['a beginning beyond all calendars', { connectedAt: 1e300 }],
	['a last renewal beyond all calendars', { lastRefreshedAt: 1e300 }],
	['an end beyond all calendars', { expiry: { kind: 'at', at: 1e300, renews: false } }],
])('a file with %s is refused', async (_, change) => {
	const worker = await load();
	expect(await codeOf(fileOf(change).then(worker.restoreBackup))).toBe('backup_invalid');
	expect(await worker.listConnections()).toEqual([]);
});
