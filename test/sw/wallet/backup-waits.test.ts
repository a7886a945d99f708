/** A backup among sign-ins and refreshes that are under way. */
import { compactDecrypt } from 'jose';
import { expect, test, vi } from 'vitest';
import { rowsOnDisk } from '../setup.js';
import { BASE, back, custom, load, provider } from './provider.js';
import { connection } from './support.js';

const KDF = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA' } as const;
const keyOf = () =>
	crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, ['encrypt', 'decrypt']);
const pause = () => new Promise((resolve) => setTimeout(resolve, 60));

function hold(name: string): () => void {
	let free = () => {};
	void navigator.locks.request(name, () => new Promise<void>((resolve) => (free = resolve)));
	return () => free();
}

async function inFile(id: string): Promise<unknown[]> {
	const { backupResponse } = await import('../../../sw/wallet/backup.js');
	const { plaintext } = await compactDecrypt(await (await backupResponse(id)).text(), await keyOf());
	const { connections } = JSON.parse(new TextDecoder().decode(plaintext)) as { connections: { access: unknown }[] };
	return connections.map(({ access }) => access);
}

test('a sign-in that repairs a connection ends first, and the file has what it brought', async () => {
	const { createBackup } = await import('../../../sw/wallet/backup.js');
	const worker = await load();
	provider();
	await worker.addConnection(connection({ fhirBaseUrl: BASE, status: 'expired' }));
	const { url } = await worker.startConnect(custom, '/connections', null);
	// Nobody may come so far that a time limit helps.
	const limits = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal);
	const free = hold('refresh c1');
	const making = createBackup({ key: await keyOf(), kdf: KDF });
	await pause();
	// Waits for the same lock, behind the backup.
	const arriving = worker.finishConnect(back(url));
	await pause();
	free();
	const { id } = await making;
	await (await arriving).rest;
	limits.mockRestore();
	expect(await inFile(id)).toEqual([{ kind: 'refresh', token: 'rt-1' }]);
});

test('whoever took a lock away and refreshed before all was at rest is seen: the file has the newer token', async () => {
	const { createBackup } = await import('../../../sw/wallet/backup.js');
	const worker = await load();
	provider();
	await worker.addConnection(connection({ id: 'c1', fhirBaseUrl: BASE }));
	await worker.addConnection(connection({ id: 'c2', fhirBaseUrl: BASE, patientId: 'p2', refreshToken: 'rt-c2' }));
	const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
	let sealed = 0;
	// The file is just being made of what was read.
	vi.spyOn(crypto.subtle, 'encrypt').mockImplementation(async (...given) => {
		if (new TextDecoder().decode(given[2] as Uint8Array).startsWith('{"connections"') && sealed++ === 0)
			await worker.updateConnection('c1', { refreshToken: 'rt-newer' });
		return encrypt(...given);
	});
	const { id } = await createBackup({ key: await keyOf(), kdf: KDF });
	expect(sealed).toBe(2);
	expect(await inFile(id)).toContainEqual({ kind: 'refresh', token: 'rt-newer' });
	expect((await rowsOnDisk()).filter(({ key }) => (key as string[])[0] === 'backup')).toEqual([]);
});
