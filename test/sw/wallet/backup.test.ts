import { CompactEncrypt, compactDecrypt } from 'jose';
import { expect, test, vi } from 'vitest';
import type { Kdf } from '../../../sw/contract.js';
import type { Connection } from '../../../sw/wallet/connections.js';
import { anotherDisk, codeOf, kill, killAfter, network, rowsOnDisk, sent, textIn } from '../setup.js';
import { connection, rotating } from './support.js';

const KDF: Kdf = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA' };
const HOUR = 3_600_000;
const DEVICE: Partial<Connection> = { device: { clientId: 'device-client' }, refreshToken: null };

async function load() {
	const connections = await import('../../../sw/wallet/connections.js');
	const backup = await import('../../../sw/wallet/backup.js');
	const { tend } = await import('../../../sw/wallet/tend.js');
	const { pausedSince } = await import('../../../sw/wallet/pause.js');
	const { inspectFile } = await import('../../../sw/wallet/backup-file.js');
	const { freshConnection } = await import('../../../sw/wallet/keeper.js');
	return { ...connections, ...backup, pausedSince, inspectFile, freshConnection, tend };
}

async function start(...changes: Partial<Connection>[]) {
	const worker = await load();
	for (const change of changes) await worker.addConnection(connection(change));
	return worker;
}

/** A key as the page makes it of a passphrase. */
function keyOf(octet = 7): Promise<CryptoKey> {
	return crypto.subtle.importKey('raw', new Uint8Array(32).fill(octet), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Makes a backup and downloads it. */
async function exported(worker: Awaited<ReturnType<typeof load>>): Promise<string> {
	const { id } = await worker.createBackup({ key: await keyOf(), kdf: KDF });
	return (await worker.backupResponse(id)).text();
}

/** Another browser: its own disk, a fresh worker. */
async function elsewhere(...changes: Partial<Connection>[]) {
	anotherDisk();
	return start(...changes);
}

/** The file with one of its five parts changed. */
function altered(file: string, part: number, change: (text: string) => string): string {
	return file
		.split('.')
		.map((text, n) => (n === part ? change(text) : text))
		.join('.');
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const headerOf = (file: string) => JSON.parse(Buffer.from(file.split('.')[0] ?? '', 'base64url').toString());
const withHeader = (file: string, change: object) => altered(file, 0, () => encode({ ...headerOf(file), ...change }));

/** Contents that the right key opens, under the header of a real file. */
async function sealed(contents: unknown, file: string): Promise<string> {
	const octets = Buffer.from(typeof contents === 'string' ? contents : JSON.stringify(contents));
	return new CompactEncrypt(octets).setProtectedHeader(headerOf(file)).encrypt(await keyOf());
}

test('a backup restored in another browser goes on with the same grant, history and patient', async () => {
	const expiry = { kind: 'at', at: Date.now() + 90 * 24 * HOUR, renews: true } as const;
	const file = await exported(
		await start({ patient: { name: 'Camila' }, expiry, connectedAt: 1234, accessExpiresAt: Date.now() + HOUR }),
	);
	const there = await elsewhere();
	expect(await there.restoreBackup({ file, key: await keyOf() })).toEqual({
		connections: [{ providerName: 'Lakeside', patientName: 'Camila', reauthorize: false }],
	});
	const [restored] = await there.listConnections();
	expect(restored).toMatchObject({
		refreshToken: 'rt-0',
		accessToken: '',
		status: 'active',
		connectedAt: 1234,
		expiry,
	});
	expect(restored).toMatchObject({ patientId: 'p1', patient: { name: 'Camila' }, provider: { name: 'Lakeside' } });
	const server = rotating();
	network(server.respond);
	await there.tend();
	expect(server.presented).toEqual(['rt-0']);
	expect((await there.listConnections())[0]).toMatchObject({
		accessToken: 'at-1',
		refreshToken: 'rt-1',
		problem: null,
	});
});

test('making a backup pauses this wallet in the same moment, and nothing is renewed here from then on', async () => {
	const worker = await start({});
	expect(await worker.pausedSince()).toBeNull();
	await exported(worker);
	expect(await worker.pausedSince()).toEqual({ since: expect.any(Number) });
	network(rotating().respond);
	expect(await codeOf(worker.freshConnection('c1'))).toBe('paused');
	await worker.tend();
	expect(sent).toEqual([]);
	expect(await worker.getConnection('c1')).toMatchObject({ status: 'active', refreshToken: 'rt-0' });
});

test('an access token that is still good is used also while paused', async () => {
	const worker = await start({ accessExpiresAt: Date.now() + HOUR });
	await exported(worker);
	expect(await worker.freshConnection('c1')).toMatchObject({ accessToken: 'at-0' });
});

test('going on here ends the pause, renews again, and deletes a file that nobody fetched', async () => {
	const worker = await start({});
	const { id } = await worker.createBackup({ key: await keyOf(), kdf: KDF });
	await worker.resume();
	await worker.resume();
	expect(await worker.pausedSince()).toBeNull();
	expect(await codeOf(worker.backupResponse(id))).toBe('backup_invalid');
	network(rotating().respond);
	expect(await worker.freshConnection('c1')).toMatchObject({ accessToken: 'at-1' });
});

test('the file is fetched once, as an attachment that is stored nowhere, and is gone then', async () => {
	const worker = await start({});
	const { id } = await worker.createBackup({ key: await keyOf(), kdf: KDF });
	const response = await worker.backupResponse(id);
	expect(response.headers.get('Content-Disposition')).toMatch(
		/^attachment; filename="satchel-backup-\d{4}-\d\d-\d\d\.jwe"$/,
	);
	expect(response.headers.get('Cache-Control')).toBe('no-store');
	expect(await codeOf(worker.backupResponse(id))).toBe('backup_invalid');
	expect((await rowsOnDisk()).some(({ key }) => (key as string[])[0] === 'backup')).toBe(false);
});

test('neither the file nor the row that holds it has a token, a name or a patient in plaintext', async () => {
	const worker = await start({ patient: { name: 'Camila' }, patientId: 'patient-of-hers' });
	const { id } = await worker.createBackup({ key: await keyOf(), kdf: KDF });
	const rows = (await rowsOnDisk()).map(({ value }) => textIn(value)).join();
	const file = await (await worker.backupResponse(id)).text();
	const opened = file.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
	for (const secret of ['rt-0', 'at-0', 'Camila', 'patient-of-hers', 'Lakeside']) {
		expect([rows, file, ...opened].filter((text) => text.includes(secret))).toEqual([]);
	}
	expect(rows).not.toContain(file);
});

test('what a device key renews, and what has ended, takes no token along and waits to be re-authorized', async () => {
	const worker = await start(
		{ id: 'c1', ...DEVICE, accessExpiresAt: Date.now() + HOUR },
		{ id: 'c2', patientId: 'p2', status: 'expired', refreshToken: 'rt-dead' },
		{ id: 'c3', patientId: 'p3' },
	);
	const { id, connections } = await worker.createBackup({ key: await keyOf(), kdf: KDF });
	expect(connections.map(({ reauthorize }) => reauthorize)).toEqual([true, true, false]);
	const file = await (await worker.backupResponse(id)).text();
	const there = await elsewhere();
	expect((await there.restoreBackup({ file, key: await keyOf() })).connections).toEqual(connections);
	const restored = await there.listConnections();
	expect(restored.map(({ status, refreshToken, accessToken }) => [status, refreshToken, accessToken])).toEqual(
		expect.arrayContaining([
			['expired', null, ''],
			['expired', null, ''],
			['active', 'rt-0', ''],
		]),
	);
	expect(restored.every((one) => !there.viewConnection(one, Date.now(), false).deviceBound)).toBe(true);
});

test('access that cannot be renewed is taken along to its end, and has to be re-authorized after it', async () => {
	const until = Date.now() + HOUR;
	const file = await exported(await start({ refreshToken: null, accessExpiresAt: until }));
	const there = await elsewhere();
	await there.restoreBackup({ file, key: await keyOf() });
	expect(await there.listConnections()).toMatchObject([
		{ accessToken: 'at-0', accessExpiresAt: until, status: 'active' },
	]);
	const later = await elsewhere();
	vi.spyOn(Date, 'now').mockReturnValue(until + 1);
	const { connections } = await later.restoreBackup({ file, key: await keyOf() });
	expect(connections).toMatchObject([{ reauthorize: true }]);
	expect(await later.listConnections()).toMatchObject([{ status: 'expired' }]);
});

test('a refresh under way ends before the backup is made, so that the file holds its token', async () => {
	const worker = await start({});
	const server = rotating();
	let answer = () => {};
	const held = new Promise<void>((resolve) => {
		answer = resolve;
	});
	network(async (request) => {
		await held;
		return server.respond(request);
	});
	const refreshing = worker.freshConnection('c1');
	await vi.waitFor(() => expect(sent).toHaveLength(1));
	const making = exported(worker);
	await vi.waitFor(async () => expect((await navigator.locks.query()).pending).toMatchObject([{ name: 'refresh c1' }]));
	answer();
	await refreshing;
	const file = await making;
	const there = await elsewhere();
	await there.restoreBackup({ file, key: await keyOf() });
	expect(await there.listConnections()).toMatchObject([{ refreshToken: 'rt-1' }]);
});

test('no backup is made while a slice of a job runs, and nothing is paused by the attempt', async () => {
	const worker = await start({});
	const { commit } = await import('../../../sw/wallet/rows.js');
	await commit([{ key: ['job', 'j'], value: {} }]);
	const how = { key: await keyOf(), kdf: KDF };
	await navigator.locks.request('job j', async () => {
		expect(await codeOf(worker.createBackup(how))).toBe('busy');
	});
	expect(await worker.pausedSince()).toBeNull();
	expect((await worker.createBackup(how)).connections).toHaveLength(1);
});

test('two backups at once wait for each other, and only the file of the last one is there', async () => {
	const worker = await start({ id: 'c1' }, { id: 'c2', patientId: 'p2' });
	const other = { key: await keyOf(), kdf: KDF };
	const [a, b] = await Promise.all([worker.createBackup(other), worker.createBackup(other)]);
	expect(await codeOf(worker.backupResponse(a.id))).toBe('backup_invalid');
	expect((await worker.backupResponse(b.id)).status).toBe(200);
});

test('another passphrase opens nothing, changes nothing, and the right one still does', async () => {
	const file = await exported(await start({}));
	const there = await elsewhere();
	expect(await codeOf(there.restoreBackup({ file, key: await keyOf(8) }))).toBe('backup_passphrase');
	expect(await there.listConnections()).toEqual([]);
	await there.restoreBackup({ file, key: await keyOf() });
	expect(await there.listConnections()).toHaveLength(1);
});

test('white space around the file, as mail programs add it, does no harm', async () => {
	const file = await exported(await start({}));
	const there = await elsewhere();
	expect(there.inspectFile(`\n${file}\r\n`).kdf).toEqual(KDF);
	await there.restoreBackup({ file: `\n${file}\r\n`, key: await keyOf() });
	expect(await there.listConnections()).toHaveLength(1);
});

const flip = (text: string) => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);

test.each([
	['whose time in the header was changed', (file: string) => withHeader(file, { createdAt: 1 }), 'backup_passphrase'],
	['whose ciphertext was changed', (file: string) => altered(file, 3, flip), 'backup_passphrase'],
	['whose tag was changed', (file: string) => altered(file, 4, flip), 'backup_passphrase'],
	['that was cut off inside', (file: string) => altered(file, 3, (text) => text.slice(0, -8)), 'backup_passphrase'],
	['that was cut off at its end', (file: string) => file.slice(0, -40), 'backup_invalid'],
	[
		'with a stranger’s header',
		(file: string) => altered(file, 0, () => encode({ alg: 'dir', enc: 'A256GCM' })),
		'backup_invalid',
	],
	['with another algorithm', (file: string) => withHeader(file, { enc: 'A128GCM' }), 'backup_invalid'],
	['with a critical extension', (file: string) => withHeader(file, { crit: ['x'], x: 1 }), 'backup_invalid'],
	['with a key of its own', (file: string) => altered(file, 1, () => 'AAAA'), 'backup_invalid'],
	['of a newer version', (file: string) => withHeader(file, { version: 2, kdf: { name: 'new' } }), 'backup_version'],
	['that is another kind of file', () => '{"resourceType":"Bundle"}', 'backup_invalid'],
	['that is empty', () => '', 'backup_invalid'],
	[
		'that is far too large',
		(file: string) => altered(file, 3, (text) => text + 'A'.repeat(3_000_000)),
		'backup_invalid',
	],
])('a file %s is refused and changes nothing', async (_, change, code) => {
	const file = await exported(await start({}));
	const there = await elsewhere({ id: 'mine', patientId: 'p9' });
	const before = await there.listConnections();
	expect(await codeOf(there.restoreBackup({ file: change(file), key: await keyOf() }))).toBe(code);
	expect(await there.listConnections()).toEqual(before);
});

test.each([
	['more memory than a phone has', { N: 2 ** 24 }],
	['a block size out of bounds', { r: 2 ** 20 }],
	['endless rounds', { p: 2 ** 20 }],
	['a cost that is no power of two', { N: 100_000 }],
	['hardly any work', { N: 2 }],
	['another function', { name: 'pbkdf2' }],
	['a salt of another length', { salt: 'AAAA' }],
])('a file that asks for %s is refused before any key is made', async (_, change) => {
	const file = await exported(await start({}));
	const hostile = withHeader(file, { kdf: { ...KDF, ...change } });
	const { inspectFile } = await load();
	expect(await codeOf(() => Promise.resolve(inspectFile(hostile)))).toBe('backup_invalid');
});

test.each([
	['is not JSON', 'hello'],
	['is of another shape', { connections: [{ fhirBaseUrl: 'https://ehr.example' }] }],
	['has no connections', {}],
])('a file that opens but %s is refused', async (_, contents) => {
	const file = await sealed(contents, await exported(await start({})));
	const there = await elsewhere();
	expect(await codeOf(there.restoreBackup({ file, key: await keyOf() }))).toBe('backup_invalid');
	expect(await there.listConnections()).toEqual([]);
});

test('addresses in a file are held to what holds everywhere: no other scheme, no plain http', async () => {
	const file = await exported(await start({}));
	const opened = await compactDecrypt(file, await keyOf());
	const [entry] = JSON.parse(new TextDecoder().decode(opened.plaintext)).connections;
	const there = await elsewhere();
	for (const address of ['http://ehr.example/fhir', 'javascript:alert(1)', 'nonsense']) {
		const base = { ...entry, fhirBaseUrl: address };
		const endpoint = { ...entry, config: { ...entry.config, tokenEndpoint: address } };
		const registration = { ...entry, config: { ...entry.config, registrationEndpoint: address } };
		for (const bad of [base, endpoint, registration]) {
			const how = { file: await sealed({ connections: [bad] }, file), key: await keyOf() };
			expect(await codeOf(there.restoreBackup(how))).toBe('backup_invalid');
		}
	}
	// None at all, as an earlier version made it, and null are as good as an address.
	const { registrationEndpoint: _, ...earlier } = entry.config;
	const registers = { ...earlier, registrationEndpoint: 'https://ehr.example/register' };
	const configs = [earlier, { ...earlier, registrationEndpoint: null }, registers];
	const connections = configs.map((config, n) => {
		return { ...entry, config, patientId: `p${n}`, access: { kind: 'refresh', token: `rt-${n}` } };
	});
	await there.restoreBackup({ file: await sealed({ connections }, file), key: await keyOf() });
	expect((await there.listConnections()).map(({ config }) => config)).toEqual(expect.arrayContaining(configs));
});

test('a connection of the same patient that works here stays as it is; one that has ended is repaired in place', async () => {
	const file = await exported(
		await start({ id: 'a', connectedAt: 5 }, { id: 'b', patientId: 'p2', refreshToken: 'rt-b', connectedAt: 5 }),
	);
	const there = await elsewhere(
		{ id: 'x', refreshToken: 'rt-own' },
		{ id: 'y', patientId: 'p2', status: 'expired', refreshToken: null, connectedAt: 9 },
	);
	await there.restoreBackup({ file, key: await keyOf() });
	expect(await there.listConnections()).toMatchObject([
		{ id: 'x', refreshToken: 'rt-own', accessToken: 'at-0' },
		{ id: 'y', refreshToken: 'rt-b', status: 'active', connectedAt: 5 },
	]);
});

test('restoring twice, or twice at once, is restoring once', async () => {
	const file = await exported(await start({}, { id: 'c2', patientId: 'p2', ...DEVICE }));
	const there = await elsewhere();
	const how = { file, key: await keyOf() };
	await Promise.all([there.restoreBackup(how), there.restoreBackup(how)]);
	await there.restoreBackup(how);
	expect(await there.listConnections()).toHaveLength(2);
});

test('nothing is restored into a wallet that was handed over itself: its own connections would wake with it', async () => {
	const worker = await start({});
	const file = await exported(worker);
	expect(await codeOf(worker.restoreBackup({ file, key: await keyOf() }))).toBe('paused');
});

test('a worker that dies at any moment of making a backup leaves both the file and the pause, or neither', async () => {
	await start({});
	for (let operations = 0; ; operations++) {
		const worker = await load();
		const dead = killAfter(operations);
		const making = worker.createBackup({ key: await keyOf(), kdf: KDF });
		making.catch(() => {});
		const ended = await Promise.race([making.then(() => 'made' as const), dead]);
		if (ended === 'made') {
			killAfter(Number.POSITIVE_INFINITY);
			kill();
		}
		const next = await load();
		const files = (await rowsOnDisk()).filter(({ key }) => (key as string[])[0] === 'backup');
		expect(files).toHaveLength((await next.pausedSince()) ? 1 : 0);
		if (ended === 'made') break;
		await next.resume();
		expect(operations).toBeLessThan(100);
	}
});

test('a worker that dies at any moment of restoring leaves all connections or none, and restoring again completes it', async () => {
	const file = await exported(
		await start(
			{},
			{ id: 'c2', patientId: 'p2', refreshToken: 'rt-b' },
			{ id: 'c3', patientId: 'p3', refreshToken: 'rt-c' },
		),
	);
	for (let operations = 0; ; operations++) {
		const worker = await elsewhere();
		const dead = killAfter(operations);
		const restoring = worker.restoreBackup({ file, key: await keyOf() });
		restoring.catch(() => {});
		const ended = await Promise.race([restoring.then(() => 'restored' as const), dead]);
		if (ended === 'restored') {
			killAfter(Number.POSITIVE_INFINITY);
			kill();
		}
		const next = await load();
		expect([0, 3]).toContain((await next.listConnections()).length);
		await next.restoreBackup({ file, key: await keyOf() });
		expect(await next.listConnections()).toHaveLength(3);
		if (ended === 'restored') break;
		expect(operations).toBeLessThan(100);
	}
});

test('forgetting deletes everything here and ends no access', async () => {
	const worker = await start({});
	await exported(worker);
	const { forgetEverything } = await import('../../../sw/leave.js');
	await forgetEverything();
	expect(sent).toEqual([]);
	expect(await worker.listConnections()).toEqual([]);
	expect(await worker.pausedSince()).toBeNull();
});
