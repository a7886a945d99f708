/** A connection as the wallet holds it, and the view of it that the page may see. */
import type { ConnectionView, CopyView, ErrorCode, Expiry, WireError } from '../contract.js';
import { toWire } from '../errors.js';
import type { Registration } from '../smart/client.js';
import type { RowKey } from './db.js';
import { type Change, commit, read, readAll, update } from './rows.js';

/** Times in milliseconds since the epoch, by this device's clock. */
export interface Connection extends Registration {
	id: string;
	/** `id` in the directory; missing for a server typed in by hand. */
	provider: { id?: string | undefined; name: string; location?: string | undefined; vendor?: string | undefined };
	/** From the token response; never shown, never in a URL of the app. */
	patientId: string;
	/** From the Patient resource; null where it could not be read. */
	patient: { name?: string; birthDate?: string } | null;
	/** The scopes granted; empty where the provider did not say. */
	scope: string;
	accessToken: string;
	/** Null: not told, and not renewable, so it is used until it is refused. */
	accessExpiresAt: number | null;
	/** Null: access ends with the access token. */
	refreshToken: string | null;
	/** What the sign-in gave a device that renews by its own key: of no use any more but to be ended. */
	idleRefreshToken?: string | null;
	/**
	 * Written before a refresh request leaves and cleared with its answer: a worker that finds it knows that its
	 * predecessor may have died with a rotated token in flight. `tokenHash` is of what was presented, `attempt` counts how often;
	 * rows of an earlier version have neither.
	 */
	intent: { startedAt: number; tokenHash?: string; attempt?: number } | null;
	/**
	 * The client that this device registered for itself; its key is the row beside (`device.ts`). `wanted`: still to be
	 * registered. Missing or null: there is none.
	 */
	device?: { clientId: string } | 'wanted' | null;
	/** The provider's clock minus this device's, as its last answer told; missing or 0 where they agree or it did not tell. */
	clockOffset?: number;
	status: 'active' | 'expired';
	problem: { error: WireError; since: number; triedAt: number } | null;
	connectedAt: number;
	lastRefreshedAt: number;
	expiry: Expiry;
	newForSession: string | null;
	/** Whether a copy of its records is kept on this device; missing in rows of an earlier version. */
	keep?: boolean;
}

const KIND = 'connection';
export const connectionKey = (id: string): RowKey => [KIND, id];
/** The key that this device registered for a connection: a raw row, because a key that cannot be read cannot be sealed. */
export const deviceKeyRow = (id: string): RowKey => ['device-key', id];

export async function getConnection(id: string): Promise<Connection | undefined> {
	return (await read<Connection>(connectionKey(id)))?.value;
}

/** Oldest first, so that a card keeps its place. */
export async function listConnections(): Promise<Connection[]> {
	const all = await readAll<Connection>([KIND]);
	return all.sort((a, b) => a.connectedAt - b.connectedAt || a.id.localeCompare(b.id));
}

/** @param beside what is committed in the same transaction */
export async function addConnection(connection: Connection, beside: Change[] = []): Promise<void> {
	await commit([{ key: connectionKey(connection.id), expect: 0, value: connection }, ...beside]);
}

/** @returns the connection afterwards; undefined if it is gone */
export function updateConnection(id: string, change: Partial<Connection>): Promise<Connection | undefined> {
	return update<Connection>(connectionKey(id), (connection) => ({ ...connection, ...change }));
}

/**
 * The same, by a function of what is there; undefined leaves it as it is.
 * @param beside what is committed in the same transaction: all of it or, where the connection is gone, nothing
 */
export function changeConnection(
	id: string,
	change: (connection: Connection) => Connection | undefined,
	beside?: Change[],
): Promise<Connection | undefined> {
	return update<Connection>(connectionKey(id), change, beside);
}

/** The key of this device and a lease go with it. */
export async function deleteConnection(id: string): Promise<void> {
	await commit([
		{ key: connectionKey(id), remove: true },
		{ key: deviceKeyRow(id), remove: true },
		{ key: ['lease', id], remove: true },
	]);
}

/**
 * The connection of the same patient at the same FHIR server, if there is one.
 * @param preferred of several, which an earlier version may have left
 */
export async function findSamePatient(
	fhirBaseUrl: string,
	patientId: string,
	preferred?: string | null,
): Promise<Connection | undefined> {
	const same = (await listConnections()).filter((c) => c.fhirBaseUrl === fhirBaseUrl && c.patientId === patientId);
	return same.find(({ id }) => id === preferred) ?? same[0];
}

/** The problem to note for a failure: the first of a row of failures says since when. */
export function noteProblem(before: Connection['problem'], error: unknown, now: number): Connection['problem'] {
	return { error: toWire(error), since: Math.min(before?.since ?? now, now), triedAt: now };
}

/** The id of the client that this device registered for itself; undefined where it has none. */
export function ownClient({ device }: Pick<Connection, 'device'>): string | undefined {
	return typeof device === 'object' ? device?.clientId : undefined;
}

export function hasDeviceKey(connection: Pick<Connection, 'device'>): boolean {
	return ownClient(connection) !== undefined;
}

/** Whether there is something to renew access with: a refresh token, or this device's own key. */
export function isRenewable(connection: Connection): boolean {
	return connection.refreshToken !== null || hasDeviceKey(connection);
}

/** Whether only signing in again helps: the provider said so, or access that cannot be renewed has ended. */
export function isExpired(connection: Connection, now: number): boolean {
	const { status, accessExpiresAt } = connection;
	return status === 'expired' || (!isRenewable(connection) && accessExpiresAt !== null && accessExpiresAt <= now);
}

export function viewConnection(
	connection: Connection,
	now: number,
	refreshing: boolean,
	copy: CopyView | null = null,
): ConnectionView {
	const {
		id,
		provider,
		patient,
		problem,
		connectedAt,
		lastRefreshedAt,
		expiry,
		newForSession,
		keep = false,
	} = connection;
	const expired = isExpired(connection, now);
	return {
		id,
		providerName: provider.name,
		...(provider.location ? { providerLocation: provider.location } : {}),
		host: new URL(connection.fhirBaseUrl).host,
		patient,
		status: expired ? 'expired' : 'active',
		problem:
			!problem || (expired && problem.error.code === REAUTHORIZE)
				? null
				: { error: problem.error, since: problem.since },
		refreshing,
		connectedAt,
		lastRefreshedAt,
		expiry,
		renewable: isRenewable(connection),
		deviceBound: hasDeviceKey(connection),
		newForSession,
		keep,
		copy: keep ? copy : null,
	};
}

const REAUTHORIZE: ErrorCode = 'reauthorization_required';
