/**
 * Moving the wallet to another browser: an encrypted file, and the pause that keeps a refresh token from living in two.
 *
 * It is a move and not a copy. Whoever makes a backup renews nothing from that moment on, in one transaction with the file;
 * `resume` takes it back, which is right only where the file was not restored.
 */
import { attachment, day } from '../attachment.js';
import type { BackupEntry, Payload, Reply } from '../contract.js';
import { BrokerError } from '../errors.js';
import { record } from './activity.js';
import { type Contents, type Entry, openBackup, sealBackup } from './backup-file.js';
import {
	type Connection,
	connectionKey,
	deviceKeyRow,
	findSamePatient,
	hasDeviceKey,
	isExpired,
	listConnections,
} from './connections.js';
import { currentEra, type RowKey } from './db.js';
import { whileNoJobRuns } from './idle.js';
import { locked } from './lease.js';
import { PAUSED, pausedSince } from './pause.js';
import { type Change, Conflict, commit, read, retried, take } from './rows.js';
import { hasUnsaved, saveUnsaved } from './unsaved.js';

const FILES: RowKey = ['backup'];
const fileKey = (id: string): RowKey => [...FILES, id];
interface StoredFile {
	file: string;
	createdAt: number;
}

/** One of these at a time, in whichever worker: making, restoring and going on do not mix. */
function alone<T>(work: () => Promise<T>): Promise<T> {
	return navigator.locks.request('backup', { signal: AbortSignal.timeout(90_000) }, work);
}

/**
 * Runs `work` while none of these connections is being refreshed, so that what is read is the newest there is.
 * @param still tells those whose lock was taken away meanwhile: they are as they were when it was had
 */
function atRest<T>(ids: string[], work: (still: Change[]) => Promise<T>, still: Change[] = []): Promise<T> {
	const [id, ...rest] = ids;
	if (id === undefined) return work(still);
	return locked(id, async () => {
		const key = connectionKey(id);
		return atRest(rest, work, [...still, { key, expect: (await read(key))?.revision ?? 0 }]);
	});
}

/**
 * @throws {BrokerError} `busy` while a job runs, which the pause would stop half way; `storage_failed` where tokens are in memory
 * alone: a file of older ones would be worthless
 */
export function createBackup({ key, kdf }: Payload<'backup.create'>): Promise<Reply<'backup.create'>> {
	const era = currentEra();
	const make = async () => {
		// Before any lock is held: what is being written may wait for one.
		if (await saveUnsaved()) throw new BrokerError('storage_failed');
		// In one order for everybody, so that two that wait never wait for each other.
		const ids = (await listConnections()).map(({ id }) => id).sort();
		const made = await atRest(ids, async (still) => {
			if (hasUnsaved()) throw new Conflict();
			const createdAt = Date.now();
			const entries = (await listConnections()).map((connection) => toEntry(connection, createdAt));
			const file = await sealBackup({ connections: entries }, key, kdf, createdAt);
			const id = crypto.randomUUID();
			const stored: StoredFile = { file, createdAt };
			const since = (await pausedSince())?.since ?? createdAt;
			const made = [
				{ key: fileKey(id), value: stored },
				{ key: PAUSED, value: { since } },
			];
			await commit([{ below: FILES }, ...made, ...still, { era }]);
			return { id, connections: entries.map((entry) => viewEntry(entry, createdAt)) };
		});
		void record({ what: 'backup_made' });
		return made;
	};
	return alone(() => whileNoJobRuns(() => retried(make)));
}

function toEntry(connection: Connection, now: number): Entry {
	const { provider, fhirBaseUrl, clientId, clientAuth, config, patientId, patient, scope } = connection;
	const { connectedAt, lastRefreshedAt, expiry } = connection;
	const about = { provider, fhirBaseUrl, clientId, clientAuth, config: { ...config }, patientId, patient, scope };
	return { ...about, connectedAt, lastRefreshedAt, expiry, access: accessOf(connection, now) };
}

function accessOf(connection: Connection, now: number): Entry['access'] {
	const { refreshToken, accessToken, accessExpiresAt } = connection;
	if (isExpired(connection, now) || hasDeviceKey(connection)) return null;
	if (refreshToken !== null) return { kind: 'refresh', token: refreshToken };
	return { kind: 'access', token: accessToken, until: accessExpiresAt };
}

/** Whether what is in the file still gives access. */
function isOver({ access }: Entry, now: number): boolean {
	return access === null || (access.kind === 'access' && access.until !== null && access.until <= now);
}

function viewEntry(entry: Entry, now: number): BackupEntry {
	const { provider, patient } = entry;
	return { providerName: provider.name, patientName: patient?.name ?? null, reauthorize: isOver(entry, now) };
}

/**
 * The file, once; for a navigation to `backupPath(id)`. A download that was lost is no backup: go on here and make another.
 * @throws {BrokerError} `backup_invalid` where there is none, or no longer
 */
export async function backupResponse(id: string): Promise<Response> {
	const stored = await take<StoredFile>(fileKey(id));
	if (!stored) throw new BrokerError('backup_invalid');
	// RFC 7515, section 9.2.1
	return attachment(stored.file, 'application/jose', `satchel-backup-${day(stored.createdAt)}.jwe`);
}

/**
 * Adds what is in the file, all or nothing. A connection of the same patient at the same provider that works here stays as
 * it is: it is a grant of its own, or this very file's with newer tokens, and an older refresh token in its place could cost
 * it. One that has ended here is repaired in place by the file's.
 * @throws {BrokerError} `paused` here: what was handed over would wake with it, `backup_invalid`, `backup_version`, `backup_passphrase`
 */
export function restoreBackup({ file, key }: Payload<'backup.restore'>): Promise<Reply<'backup.restore'>> {
	const era = currentEra();
	return alone(async () => {
		const contents = await openBackup(file, key);
		if (await pausedSince()) throw new BrokerError('paused');
		await saveUnsaved();
		const now = Date.now();
		// The lock of a sign-in: neither adds a second connection of a patient beside the other's. Nothing in it is slow.
		const signal = AbortSignal.timeout(30_000);
		const restored = await navigator.locks.request('connect', { signal }, () =>
			retried(() => merge(contents, now, era)),
		);
		if (restored) void record({ what: 'backup_restored' });
		return { connections: contents.connections.map((entry) => viewEntry(entry, now)) };
	});
}

/** @returns how many connections were added or repaired */
async function merge({ connections }: Contents, now: number, era: number): Promise<number> {
	const seen = new Set<string>();
	// Two connections that present one token would cost each other the grant.
	const known = new Set((await listConnections()).flatMap((one) => [one.accessToken, one.refreshToken]));
	const changes: Change[] = [];
	for (const entry of connections) {
		const identity = JSON.stringify([entry.fhirBaseUrl, entry.patientId]);
		const token = entry.access?.token ?? null;
		if (seen.has(identity) || (token && known.has(token))) continue;
		const id = (await findSamePatient(entry.fhirBaseUrl, entry.patientId))?.id ?? crypto.randomUUID();
		const key = connectionKey(id);
		// Judged as it was at the revision that is replaced: somebody may be signing in.
		const row = await read<Connection>(key);
		const same = row?.value;
		if (same && (!isExpired(same, now) || isOver(entry, now))) continue;
		seen.add(identity);
		known.add(token);
		changes.push({ key, expect: row?.revision ?? 0, value: fromEntry(entry, id, same, now) });
		// The grant that has ended takes its key along.
		if (same) changes.push({ key: deviceKeyRow(id), remove: true });
	}
	if (changes.length) await commit([...changes, { era }]);
	return changes.length;
}

/** Without its access token, so that the first tend proves it; nothing to prove with is "expired" at once. */
function fromEntry(entry: Entry, id: string, same: Connection | undefined, now: number): Connection {
	const { access, connectedAt, ...about } = entry;
	return {
		...about,
		id,
		accessToken: access?.kind === 'access' ? access.token : '',
		accessExpiresAt: access?.kind === 'access' ? access.until : 0,
		refreshToken: access?.kind === 'refresh' ? access.token : null,
		intent: null,
		status: isOver(entry, now) ? 'expired' : 'active',
		problem: null,
		connectedAt: Math.min(connectedAt, same?.connectedAt ?? connectedAt),
		newForSession: null,
	};
}

/** Goes on renewing here. A file that was not fetched yet is deleted with it. */
export function resume(): Promise<void> {
	return alone(async () => {
		if (!(await pausedSince())) return;
		await commit([{ key: PAUSED, remove: true }, { below: FILES }]);
		void record({ what: 'resumed' });
	});
}
